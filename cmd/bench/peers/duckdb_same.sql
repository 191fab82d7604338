-- The lean table for the rows that keyramp stores: what carries an experiment or
-- has a part in its questions. The rest is counted by type and day, like there.
set preserve_insertion_order = false;
create temp table lines as
select
    hash(log_id) as log_id, date, type, client_id, connection, strategy, hash(user_id) as user_key, "isMobile" as mobile,
    hash(details.session_id) as session_key, hash(details.transaction_id) as transaction_key, make_timestamp_ms(details."initiatedAt") as began,
    details.experiment.experiment_id as experiment, details.experiment.variation_id as variation,
    details.experiment.is_control as control, details.experiment.allocation_strategy as allocation
from read_json([{files}], format = 'newline_delimited', columns = {
    log_id: 'VARCHAR', date: 'TIMESTAMP', type: 'VARCHAR', client_id: 'VARCHAR', connection: 'VARCHAR',
    strategy: 'VARCHAR', user_id: 'VARCHAR', "isMobile": 'BOOLEAN',
    details: 'STRUCT(session_id VARCHAR, transaction_id VARCHAR, "initiatedAt" BIGINT, experiment STRUCT(experiment_id VARCHAR, variation_id VARCHAR, is_control BOOLEAN, allocation_strategy VARCHAR))'});
create table events as
select distinct on (log_id) * from lines
where experiment is not null or type not in ('ssa', 'fsa', 'slo', 'seacft', 'sertft', 'seccft', 'sapi', 'mgmt_api_read');
create table filtered as
select type, date_trunc('day', date) as day, count(*) as n from lines
where experiment is null and type in ('ssa', 'fsa', 'slo', 'seacft', 'sertft', 'seccft', 'sapi', 'mgmt_api_read') group by all;
checkpoint;
select coalesce(experiment, ''), coalesce(variation, ''), type, count(*) from events group by all
union all
select '', '', type, sum(n) from filtered group by type
