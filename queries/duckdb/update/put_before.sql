-- name:    put_before
-- asks:    say which rows are there at the moment that is asked about
-- params:  $events BIGINT, $pages BIGINT
insert into before values ($events, $pages)
