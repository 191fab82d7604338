-- name:    shapes
-- asks:    which shapes are kept? Their ids run from 0 without a hole.
-- columns: type UINTEGER, client UINTEGER, connection UINTEGER, strategy UINTEGER, device UINTEGER, experiment UINTEGER,
--          variation UINTEGER, allocation UINTEGER, segment UINTEGER, authenticator UINTEGER, control UTINYINT,
--          interactive UTINYINT, passkey_used BOOLEAN, test BOOLEAN
select type, client, connection, strategy, device, experiment, variation, allocation, segment, authenticator,
       control, interactive, passkey_used, test
from shapes order by id
