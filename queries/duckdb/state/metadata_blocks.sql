-- name:    metadata_blocks
-- asks:    which blocks of the file hold metadata?
-- grain:   block_id
-- columns: block_id BIGINT
select block_id from pragma_metadata_info() order by block_id
