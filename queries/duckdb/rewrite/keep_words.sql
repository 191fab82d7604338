-- name:    keep_words
-- asks:    keep the words that a row still has
-- Ids run without a hole, so a word that went keeps its place under a text that says nothing.
insert into fresh.words
select id, case when id in (
    select type from fresh.events union select client from fresh.events union select connection from fresh.events
    union select strategy from fresh.events union select device from fresh.events union select experiment from fresh.events
    union select variation from fresh.events union select allocation from fresh.events union select segment from fresh.events
    union select authenticator from fresh.events
    union select phase from fresh.page_events union select experiment from fresh.page_events
    union select variation from fresh.page_events
) then text else 'removed ' || id end
from store.words where id <> 0 order by id
