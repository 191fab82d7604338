-- name:    turn_tombstones
-- asks:    keep the tombstones as the new key makes them
insert into fresh.tombstones select turned(mark) from store.tombstones
