-- What one would type: every id as text, redelivered events taken out while loading.
set preserve_insertion_order = false;
create table events as
select distinct on (log_id)
    log_id, date, type, client_id, connection, strategy, user_id, "isMobile" as mobile,
    details.session_id as session_id, details.transaction_id as transaction_id, make_timestamp_ms(details."initiatedAt") as began,
    details.experiment.experiment_id as experiment, details.experiment.variation_id as variation,
    details.experiment.is_control as control, details.experiment.allocation_strategy as allocation
from read_json([{files}], format = 'newline_delimited', columns = {
    log_id: 'VARCHAR', date: 'TIMESTAMP', type: 'VARCHAR', client_id: 'VARCHAR', connection: 'VARCHAR',
    strategy: 'VARCHAR', user_id: 'VARCHAR', "isMobile": 'BOOLEAN',
    details: 'STRUCT(session_id VARCHAR, transaction_id VARCHAR, "initiatedAt" BIGINT, experiment STRUCT(experiment_id VARCHAR, variation_id VARCHAR, is_control BOOLEAN, allocation_strategy VARCHAR))'});
checkpoint;
select coalesce(experiment, ''), coalesce(variation, ''), type, count(*) from events group by all
