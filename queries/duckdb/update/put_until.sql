-- name:    put_until
-- asks:    move the end of the scope
-- params:  $until_us BIGINT (exclusive)
update scope set until_us = $until_us
