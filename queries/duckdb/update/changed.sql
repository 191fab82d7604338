-- name:    changed
-- asks:    which loose events are new, or may be told otherwise by a new one?
-- params:  none; reads loose, fresh
select * from loose
where row_no in (select row_no from fresh)
   or (transaction_key <> 0 and transaction_key in (select transaction_key from fresh))
   or (session_key <> 0 and session_key in (select session_key from fresh))
