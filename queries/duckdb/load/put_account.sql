-- name:    put_account
-- asks:    add what became of a batch to the account of its source
-- params:  $source VARCHAR, $runs BIGINT, $received BIGINT, $stored BIGINT, $duplicate BIGINT, $filtered BIGINT,
--          $rejected BIGINT, $conflicts BIGINT, $marker BIGINT
merge into accounts
using (select $source::varchar as source) batch
on accounts.source = batch.source
when matched then update set runs = runs + $runs, received = received + $received, stored = stored + $stored,
    duplicate = duplicate + $duplicate, filtered = filtered + $filtered, rejected = rejected + $rejected,
    conflicts = conflicts + $conflicts, marker = $marker
when not matched then insert values
    ($source, $runs, $received, $stored, $duplicate, $filtered, $rejected, $conflicts, $marker)
