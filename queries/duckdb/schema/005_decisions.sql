-- What was decided, with everything that it was made of. Rows are appended and never changed: they hold sums, no
-- person's key, so they stay when people are forgotten and events are purged.
create table decisions (
    decision   varchar not null,         -- id; equal for equal questions with equal answers
    experiment varchar not null,
    made_us    bigint not null,
    as_of_us   bigint not null,
    phase      integer not null,         -- the last one; 0 = none
    action     varchar not null,
    signed_by  varchar not null,         -- '' = nobody accepted anything
    version    varchar not null,         -- of keyramp
    plan       varchar not null,         -- in force, JSON
    record     varchar not null          -- all of it, JSON
);
