-- name:    made_up_shapes
-- asks:    add the shapes of a made-up tenant's events
-- Words: 1 s, 2 fp, 3 fu, 4 gd_enrollment_complete, 5 passkey, 6 exp_1, 7 var_c, 8 var_t, 9 percentage, 10 app.
-- Two of each kind: 0 a login in control, 2 in treatment, 4 a failure that names the person, 6 one that does not, 8 an
-- enrollment; odd ones prompted for nothing.
insert into shapes by name
select 2 * kind + silent as id, type, 10 as client, 0 as connection, 0 as strategy, 0 as device, experiment, variation, allocation,
       0 as segment, authenticator, 0 as control, 2 - silent as interactive, false as passkey_used, false as test
from (values (0, 1, 6, 7, 9, 0), (1, 1, 6, 8, 9, 0), (2, 2, 0, 0, 0, 0), (3, 3, 0, 0, 0, 0), (4, 4, 0, 0, 0, 5))
         kinds(kind, type, experiment, variation, allocation, authenticator)
cross join (values (0), (1)) prompts(silent)
order by id
