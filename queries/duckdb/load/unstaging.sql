-- name:    unstaging
-- asks:    drop the session's tables that took a batch
drop table stage_words;
drop table stage_events;
drop table stage_pages;
drop table stage_rejects;
drop table stage_filtered;
drop table known_events;
drop table known_pages
