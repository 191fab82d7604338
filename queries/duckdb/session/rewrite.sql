-- Whose rows are left out when the store is written anew.
create temp table gone (user_key ubigint not null);
create temp table marks (mark ubigint not null);
