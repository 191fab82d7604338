-- name:    made_up_events
-- asks:    add a million events of a made-up tenant, the part-th of parts, spread over four weeks
-- params:  $part BIGINT, $parts BIGINT, $from_us BIGINT
-- One person in six events, some far busier than others. Shapes are those of made_up_shapes. A tenth of the people are
-- in treatment. Of a hundred events two are failures that name the person but no experiment, one a failure that names
-- neither, half of one an enrollment.
insert into events by name
with drawn as (
    select i, hash(i) as h,
           hash(floor(pow((hash(i + 2) % 1000000007) / 1000000007.0, 1.5) * $parts * 1000000 / 6)::bigint) as person,
           $from_us + ($part * 1000000 + i % 1000000) * (28 * 86400000000 / ($parts * 1000000)) as at_us
    from range($part * 1000000, ($part + 1) * 1000000) t(i)
), shaped as (
    select *, case when h % 200 = 0 then 8 when h % 100 in (1, 2) then 4 when h % 100 = 3 then 6
                   when person % 10 = 0 then 2 else 0 end + (h % 4 = 0)::uinteger as shape
    from drawn
)
select h as log_id, make_timestamp(at_us::bigint) as at_utc, make_timestamp((at_us - h % 60000000)::bigint) as assigned_utc,
       make_timestamp((at_us + 1000000)::bigint) as logged_utc, shape::uinteger as shape,
       case when shape < 4 then 6 else 0 end::uinteger as experiment,
       case when shape in (6, 7) then 0 else person end::ubigint as user_key,
       hash(person + i // 100000) as session_key, hash(i // 2) as transaction_key
from shaped
order by case when shape < 4 then 1 + shape // 2 else 0 end, at_utc
