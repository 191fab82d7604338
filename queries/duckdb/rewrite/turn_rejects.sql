-- name:    turn_rejects
-- asks:    keep the rejects under their new identities
insert into fresh.rejects select * replace (turned(record) as record) from store.rejects
