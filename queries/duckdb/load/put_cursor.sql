-- name:    put_cursor
-- asks:    move the cursor of a source
-- params:  $source VARCHAR, $position VARCHAR, $watermark_us BIGINT, $complete BOOLEAN, $at_us BIGINT
merge into cursors
using (select $source::varchar as source) moved
on cursors.source = moved.source
when matched then update set position = $position, watermark_us = $watermark_us, complete = $complete, at_us = $at_us
when not matched then insert values ($source, $position, $watermark_us, $complete, $at_us)
