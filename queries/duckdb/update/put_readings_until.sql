-- name:    put_readings_until
-- asks:    move the end of the scope where it stands beside each shape
-- params:  $until_us BIGINT (exclusive)
update readings set until_us = $until_us
