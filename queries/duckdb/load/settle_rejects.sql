-- name:    settle_rejects
-- asks:    move records of a source that were put aside to what became of them; received stays what it is
-- params:  $source VARCHAR, $rejected BIGINT (how many leave), $stored BIGINT, $duplicate BIGINT, $filtered BIGINT,
--          $conflicts BIGINT, $marker BIGINT
update sources
set rejected = rejected - $rejected, stored = stored + $stored, duplicate = duplicate + $duplicate,
    filtered = filtered + $filtered, conflicts = conflicts + $conflicts, marker = $marker
where source = $source
