-- name:    add_gap
-- asks:    keep a gap, the same one once
-- params:  $source VARCHAR, $from_us BIGINT, $until_us BIGINT, $noticed_us BIGINT, $position VARCHAR
insert into gaps
select $source, $from_us, $until_us, $noticed_us, $position
where not exists (select 1 from gaps where gaps.source = $source and gaps.from_us = $from_us
                  and gaps.until_us = $until_us and gaps.position = $position)
