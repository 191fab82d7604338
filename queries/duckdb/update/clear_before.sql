-- name:    clear_before
-- asks:    forget which rows were there
delete from before
