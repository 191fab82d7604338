-- Long ids as 64-bit hashes, dimensions as they are: what a careful analyst stores.
set preserve_insertion_order = false;
create table events as
select distinct on (log_id)
    hash(log_id) as log_id, date, type, client_id, connection, strategy, hash(user_id) as user_key, "isMobile" as mobile,
    hash(details.session_id) as session_key, hash(details.transaction_id) as transaction_key, make_timestamp_ms(details."initiatedAt") as began,
    details.experiment.experiment_id as experiment, details.experiment.variation_id as variation,
    details.experiment.is_control as control, details.experiment.allocation_strategy as allocation
from read_json([{files}], format = 'newline_delimited', columns = {
    log_id: 'VARCHAR', date: 'TIMESTAMP', type: 'VARCHAR', client_id: 'VARCHAR', connection: 'VARCHAR',
    strategy: 'VARCHAR', user_id: 'VARCHAR', "isMobile": 'BOOLEAN',
    details: 'STRUCT(session_id VARCHAR, transaction_id VARCHAR, "initiatedAt" BIGINT, experiment STRUCT(experiment_id VARCHAR, variation_id VARCHAR, is_control BOOLEAN, allocation_strategy VARCHAR))'});
checkpoint;
select coalesce(experiment, ''), coalesce(variation, ''), type, count(*) from events group by all
