-- name:    pending
-- asks:    does anything that was there count now and did not in the kept answer, with no row added since?
-- params:  $until_us BIGINT (end of the kept answer's scope, exclusive); reads events, page_events
-- columns: some BOOLEAN
-- Events that were dated too late, and prompts that were too young to be judged.
select exists (select 1 from events where at_utc >= make_timestamp($until_us))
    or exists (select 1 from page_events where at_utc > make_timestamp($until_us - 1800000000)) as some
