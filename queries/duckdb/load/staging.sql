-- name:    staging
-- asks:    the tables of a session that take a batch before its transaction begins
-- They are temporary, so they cost the store nothing and end with the session. Their columns are filled by
-- position; again is 0 for the first row of an id in the batch, 1 for one of equal content after it, 2 of other.
create temp table stage_words (id uinteger, text varchar);

create temp table stage_events (
    log_id ubigint, content uinteger, again utinyint, at_utc timestamp, assigned_utc timestamp, logged_utc timestamp,
    type uinteger, client uinteger, connection uinteger, strategy uinteger, device uinteger,
    experiment uinteger, variation uinteger, allocation uinteger, segment uinteger, authenticator uinteger,
    user_key ubigint, session_key ubigint, transaction_key ubigint,
    control utinyint, interactive utinyint, passkey_used boolean, test boolean
);

create temp table stage_pages (
    event_id ubigint, content uinteger, again utinyint, at_utc timestamp, phase uinteger, experiment uinteger,
    variation uinteger, user_key ubigint, session_key ubigint, transaction_key ubigint, verified boolean, future boolean
);

create temp table stage_rejects (
    record ubigint, source varchar, place varchar, reason varchar, detail varchar, bytes bigint, at_us bigint
);

create temp table stage_filtered (type varchar, day_us bigint, n bigint);

-- what the store keeps already under the batch's ids
create temp table known_events (log_id ubigint, content uinteger);
create temp table known_pages (event_id ubigint, content uinteger)
