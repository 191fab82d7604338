-- name:    add_tombstones
-- asks:    keep the tombstones of people who are forgotten, each once
-- params:  none; reads marks
insert into fresh.tombstones select mark from marks except select mark from fresh.tombstones
