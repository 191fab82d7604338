-- name:    put_source
-- asks:    move the cursor of a source and add what became of a batch to its account
-- params:  $source VARCHAR, $position VARCHAR, $watermark_us BIGINT, $complete BOOLEAN, $at_us BIGINT, $runs BIGINT,
--          $received BIGINT, $stored BIGINT, $duplicate BIGINT, $filtered BIGINT, $rejected BIGINT, $conflicts BIGINT,
--          $marker BIGINT
merge into sources
using (select $source::varchar as source) batch
on sources.source = batch.source
when matched then update set position = $position, watermark_us = $watermark_us, complete = $complete, at_us = $at_us,
    runs = runs + $runs, received = received + $received, stored = stored + $stored,
    duplicate = duplicate + $duplicate, filtered = filtered + $filtered, rejected = rejected + $rejected,
    conflicts = conflicts + $conflicts, marker = $marker
when not matched then insert values ($source, $position, $watermark_us, $complete, $at_us, $runs, $received, $stored,
    $duplicate, $filtered, $rejected, $conflicts, $marker)
