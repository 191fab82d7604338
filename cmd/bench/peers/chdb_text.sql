-- Every id as text in a MergeTree. Redelivered events stay stored and are counted once by the report.
set max_threads = 2, max_insert_threads = 2;
create table events (
    log_id String, date DateTime64(3, 'UTC'), type LowCardinality(String), client LowCardinality(String), connection LowCardinality(String),
    strategy LowCardinality(String), user String, mobile Bool, session String, transaction String, began DateTime64(3, 'UTC'),
    experiment LowCardinality(String), variation LowCardinality(String), control Bool, allocation LowCardinality(String)
) engine = MergeTree order by (experiment, variation, type);
insert into events
select log_id, parseDateTime64BestEffort(date, 3, 'UTC'), type, client_id, connection, strategy, user_id, isMobile,
    details.session_id, details.transaction_id, fromUnixTimestamp64Milli(details.initiatedAt),
    details.experiment.experiment_id, details.experiment.variation_id, details.experiment.is_control, details.experiment.allocation_strategy
from file('{files}', 'JSONEachRow', 'log_id String, date String, type String, client_id String, connection String, strategy String, user_id String, isMobile Bool,
    details Tuple(session_id String, transaction_id String, initiatedAt Int64, experiment Tuple(experiment_id String, variation_id String, is_control Bool, allocation_strategy String))');
select experiment, variation, type, uniqExact(log_id) from events group by all
