-- name:    add_shapes
-- asks:    keep the shapes that the batch is the first to have
insert into shapes
select id, type, client, connection, strategy, device, experiment, variation, allocation, segment, authenticator,
       control, interactive, passkey_used, test
from batch_shapes()
