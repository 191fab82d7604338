-- name:    add_words
-- asks:    keep the words that the batch is the first to use
insert into words select id, text from batch_words()
