-- name:    made_up_events
-- asks:    add a million events of a made-up tenant, the part-th of parts, spread over four weeks
-- params:  $part BIGINT, $parts BIGINT, $from_us BIGINT
-- One person in six events, some far busier than others. Words: 1 s, 2 fp, 3 fu, 4 gd_enrollment_complete, 5 passkey,
-- 6 exp_1, 7 var_c, 8 var_t, 9 percentage, 10 app. A tenth of the people are in treatment. Of a hundred events two are
-- failures that name the person but no experiment, one a failure that names neither, half of one an enrollment.
insert into events by name
with drawn as (
    select i, hash(i) as h, hash(i + 1) as g,
           hash(floor(pow((hash(i + 2) % 1000000007) / 1000000007.0, 1.5) * $parts * 1000000 / 6)::bigint) as person,
           $from_us + ($part * 1000000 + i % 1000000) * (28 * 86400000000 / ($parts * 1000000)) as at_us
    from range($part * 1000000, ($part + 1) * 1000000) t(i)
), typed as (
    select *, case when h % 200 = 0 then 4 when h % 100 in (1, 2) then 2 when h % 100 = 3 then 3 else 1 end as kind from drawn
)
select h as log_id, (g % 4294967296)::uinteger as content, make_timestamp(at_us::bigint) as at_utc, make_timestamp((at_us - h % 60000000)::bigint) as assigned_utc,
       make_timestamp((at_us + 1000000)::bigint) as logged_utc,
       kind::uinteger as type, 10::uinteger as client, 0::uinteger as connection, 0::uinteger as strategy, 0::uinteger as device,
       case when kind = 1 then 6 else 0 end::uinteger as experiment,
       case when kind <> 1 then 0 when person % 10 = 0 then 8 else 7 end::uinteger as variation,
       case when kind = 1 then 9 else 0 end::uinteger as allocation, 0::uinteger as segment,
       case when kind = 4 then 5 else 0 end::uinteger as authenticator,
       case when kind = 3 then 0 else person end::ubigint as user_key,
       hash(person + i // 100000) as session_key, hash(i // 2) as transaction_key,
       0::utinyint as control, case when h % 4 = 0 then 1 else 2 end::utinyint as interactive, false as passkey_used, false as test
from typed
order by experiment, variation, at_utc
