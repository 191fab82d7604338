-- name:    clear_before
-- asks:    forget which rows were there
-- params:  none; reads before
delete from before
