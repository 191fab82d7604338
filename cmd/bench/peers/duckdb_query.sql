-- One look and nothing kept: only the columns that are counted are read. Lines
-- are counted, redelivered ones too.
select coalesce(details.experiment.experiment_id, ''), coalesce(details.experiment.variation_id, ''), type, count(*)
from read_json([{files}], format = 'newline_delimited', columns = {
    type: 'VARCHAR', details: 'STRUCT(experiment STRUCT(experiment_id VARCHAR, variation_id VARCHAR))'})
group by all
