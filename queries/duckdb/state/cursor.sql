-- name:    cursor
-- asks:    how far has a source been read?
-- params:  $source VARCHAR
-- columns: position VARCHAR, watermark_us BIGINT, complete BOOLEAN, at_us BIGINT
select position, watermark_us, complete, at_us from sources where source = $source
