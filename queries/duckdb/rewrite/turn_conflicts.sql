-- name:    turn_conflicts
-- asks:    keep the copies that differ under their new identities
-- Their hashes are of the old pseudonyms; 0 says that they are not known.
insert into fresh.conflicts select * replace (turned(record) as record, 0::uinteger as content) from store.conflicts
