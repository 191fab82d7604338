-- name:    keep_words
-- asks:    keep the words that a row still has
-- Ids run without a hole, so a word that went keeps its place under a text that says nothing.
insert into fresh.words
select id, case when id in (
    select unnest([type, client, connection, strategy, device, experiment, variation, allocation, segment, authenticator])
    from fresh.shapes
    union select phase from fresh.page_events union select experiment from fresh.page_events
    union select variation from fresh.page_events
) then text else 'removed ' || id end
from store.words where id <> 0 order by id
