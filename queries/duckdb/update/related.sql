-- name:    related
-- asks:    which events make the difference between the kept answer and a new one?
-- params:  none; reads ev_ids, theirs, fresh, asking, scope
-- As ev_ids. The questions are asked of these events twice, as of then and as of now, and the kept answer plus now
-- minus then is the new one. All events of every touched user are here, and all that tell about a loose one among
-- them. Of other people there may be some; they count the same both times.
select * from theirs
union
select * from fresh
union
select e.* from ev_ids e cross join scope
where e.transaction_key in (select transaction_key from asking where transaction_key <> 0) and e.at_us < scope.until_us
union
select e.* from ev_ids e cross join scope
where e.session_key in (select session_key from asking where session_key <> 0) and e.at_us < scope.until_us
