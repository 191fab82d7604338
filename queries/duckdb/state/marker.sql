-- name:    marker
-- asks:    which commit of a source was the last?
-- params:  $source VARCHAR
-- columns: marker BIGINT
select marker from sources where source = $source
