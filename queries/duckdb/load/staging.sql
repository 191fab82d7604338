-- name:    staging
-- asks:    the tables of a session that take a batch before its transaction begins
-- They are temporary, so they cost the store nothing and end with the session. Moments are microseconds here.
create temp table stage_words (id uinteger, text varchar);

create temp table stage_events (
    log_id ubigint, content ubigint, at_us bigint, assigned_us bigint, logged_us bigint,
    type uinteger, client uinteger, connection uinteger, strategy uinteger, device uinteger,
    experiment uinteger, variation uinteger, allocation uinteger, segment uinteger, authenticator uinteger,
    user_key ubigint, session_key ubigint, transaction_key ubigint,
    control utinyint, interactive utinyint, passkey_used boolean, test boolean
);

create temp table stage_pages (
    event_id ubigint, content ubigint, at_us bigint, phase uinteger, experiment uinteger, variation uinteger,
    user_key ubigint, session_key ubigint, transaction_key ubigint, verified boolean, future boolean
);

create temp table stage_rejects (
    record ubigint, source varchar, place varchar, reason varchar, detail varchar, bytes bigint, at_us bigint
);

create temp table stage_filtered (type varchar, day_us bigint, n bigint)
