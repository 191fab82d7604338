-- name:    related_pages
-- asks:    which page events make the difference between the kept answer and a new one?
-- params:  $pages BIGINT (page events that were there), $until_us BIGINT (end of the kept answer's scope, exclusive);
--          reads page_ids, touched, scope
-- As page_ids: the new ones, and all of touched users.
select p.* from page_ids p cross join scope
where (p.row_no >= $pages or p.at_us >= $until_us or p.user_key in (select user_key from touched))
  and p.at_us < scope.until_us
