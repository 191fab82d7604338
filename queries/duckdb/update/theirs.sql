-- name:    theirs
-- asks:    what are all events of the touched users?
-- params:  none; reads events, touched
-- As they are stored: nothing is made of the many before the few are found.
select e.rowid as row_no, e.* from events e where e.user_key in (select user_key from touched)
