-- name:    touched
-- asks:    for which users may the answer differ from the kept one?
-- params:  $pages BIGINT (page events that were there), $until_us BIGINT (end of the kept answer's scope, exclusive);
--          reads fresh, page_ids, scope, changed, ev_ids
-- Those of new events; those whose prompt has become old enough to be judged; and whoever a changed loose event
-- belongs to, now or before: only people whose events share its transaction or session.
select user_key from fresh where user_key <> 0
union
select p.user_key from page_ids p cross join scope
where p.user_key <> 0 and p.at_us < scope.until_us and (p.row_no >= $pages or p.at_us >= $until_us)
union
select p.user_key from page_ids p cross join scope
where p.user_key <> 0 and p.phase = 'shown'
  and p.at_us > $until_us - 1800000000 and p.at_us <= scope.until_us - 1800000000
union
select user_key from changed where user_key <> 0
union
select user_key from ev_ids
where user_key <> 0 and transaction_key in (select transaction_key from changed where transaction_key <> 0)
union
select user_key from ev_ids
where user_key <> 0 and session_key in (select session_key from changed where session_key <> 0)
