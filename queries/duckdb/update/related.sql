-- name:    related
-- asks:    which events make the difference between the kept answer and a new one?
-- params:  none; reads events, theirs, fresh, asking, scope
-- As they are stored. The questions are asked of these events twice, as of then and as of now, and the kept answer plus
-- now minus then is the new one. All events of every touched user are here, and all that tell about a loose one among
-- them. Of other people there may be some; they count the same both times.
-- The scope's end stands outside, because DuckDB takes a product with it for small and may then hold all events.
with found as (
    select * from theirs
    union
    select * from fresh
    union
    select rowid as row_no, * from events
    where transaction_key in (select transaction_key from asking where transaction_key <> 0)
    union
    select rowid as row_no, * from events
    where session_key in (select session_key from asking where session_key <> 0)
)
select found.* from found cross join scope where epoch_us(found.at_utc) < scope.until_us
