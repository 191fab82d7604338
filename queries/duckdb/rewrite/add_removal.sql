-- name:    add_removal
-- asks:    keep the account of a removal
-- params:  $why VARCHAR, $at_us BIGINT, $before_us BIGINT, $people BIGINT, $events BIGINT, $pages BIGINT
insert into fresh.removals values ($why, $at_us, $before_us, $people, $events, $pages)
