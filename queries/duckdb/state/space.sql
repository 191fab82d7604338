-- name:    space
-- asks:    how large are the blocks of the file, how many are there, and how many are free?
-- columns: block_size BIGINT, total BIGINT, free BIGINT
select block_size, total_blocks as total, free_blocks as free
from pragma_database_size() where database_name = current_database()
