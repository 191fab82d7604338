-- name:    forget_page_events
-- asks:    keep everybody's rows but those of the people who are to be forgotten
-- params:  none; reads gone, gone_keys
insert into fresh.page_events
select * from store.page_events
where user_key not in (select user_key from gone)
  and not (user_key = 0 and (transaction_key in (select key from gone_keys) or session_key in (select key from gone_keys)))
