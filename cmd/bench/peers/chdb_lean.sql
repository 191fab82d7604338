-- Long ids as 64-bit hashes. Redelivered events stay stored and are counted once by the report.
set max_threads = 2, max_insert_threads = 2;
create table events (
    log_id UInt64, date DateTime64(3, 'UTC'), type LowCardinality(String), client LowCardinality(String), connection LowCardinality(String),
    strategy LowCardinality(String), user UInt64, mobile Bool, session UInt64, transaction UInt64, began DateTime64(3, 'UTC'),
    experiment LowCardinality(String), variation LowCardinality(String), control Bool, allocation LowCardinality(String)
) engine = MergeTree order by (experiment, variation, type);
insert into events
select sipHash64(log_id), parseDateTime64BestEffort(date, 3, 'UTC'), type, client_id, connection, strategy, sipHash64(user_id), isMobile,
    sipHash64(details.session_id), sipHash64(details.transaction_id), fromUnixTimestamp64Milli(details.initiatedAt),
    details.experiment.experiment_id, details.experiment.variation_id, details.experiment.is_control, details.experiment.allocation_strategy
from file('{files}', 'JSONEachRow', 'log_id String, date String, type String, client_id String, connection String, strategy String, user_id String, isMobile Bool,
    details Tuple(session_id String, transaction_id String, initiatedAt Int64, experiment Tuple(experiment_id String, variation_id String, is_control Bool, allocation_strategy String))');
select experiment, variation, type, uniqExact(log_id) from events group by all
