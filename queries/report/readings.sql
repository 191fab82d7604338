-- name:    readings
-- asks:    what does the report make of an event of each shape?
-- grain:   shape
-- params:  none; reads shapes, scope, chain, variations, roles, test_clients
-- columns: shape UINTEGER, experiment UINTEGER, variation UINTEGER, type UINTEGER, ours BOOLEAN, place INTEGER, role ENUM,
--          login BOOLEAN, enrolls BOOLEAN, sso BOOLEAN, segmented BOOLEAN, test BOOLEAN, since_us BIGINT, until_us BIGINT
-- ours: it carries the experiment. Place 0: no variation of the experiment. No role: the report does not ask for its
-- type. The scope's ends stand beside each, because DuckDB takes a product of events and scope for small, and may then
-- look up the shapes in a table of all events.
select s.id as shape, s.experiment, s.variation, s.type,
       s.experiment in (select experiment from chain) as ours,
       coalesce(variations.place, 0) as place,
       coalesce(roles.role, ''::attempt_role) as role,
       coalesce(roles.login, false) as login,
       coalesce(roles.role = 'enrollment'::attempt_role and s.authenticator = scope.passkey, false) as enrolls,
       s.interactive = 1 as sso,
       s.allocation = scope.segment as segmented,
       s.test or s.client in (select client from test_clients) as test,
       scope.since_us, scope.until_us
from shapes s
cross join scope
left join variations on variations.experiment = s.experiment and variations.variation = s.variation
left join roles on roles.type = s.type
