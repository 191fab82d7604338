-- name:    theirs
-- asks:    what are all events of the touched users?
-- params:  none; reads ev_ids, touched, scope
-- As ev_ids.
select e.* from ev_ids e cross join scope
where e.user_key in (select user_key from touched) and e.at_us < scope.until_us
