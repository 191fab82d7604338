-- name:    keep_shapes
-- asks:    keep the shapes that an event still has
-- Ids run without a hole, so of a shape that went its place stays, with nothing in it.
insert into fresh.shapes
with held as (
    select distinct shape from fresh.events
)
select * from store.shapes where id in (select shape from held)
union all
select id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, false, false from store.shapes where id not in (select shape from held)
order by id
