-- name:    turn_calls
-- asks:    copy the calls under the new key
-- params:  none
insert into fresh.calls
select turned(call), experiment, at_us, status, level, arms from store.calls
