-- What was done at a server that was not active is told later: which server's it is, and its number there. Null for all else. A
-- server that was set back to a backup counts anew from there, so a number alone does not name an entry.
alter table audit add column server_id text;
alter table audit add column number integer;
create unique index audit_told on audit (server_id, number, at) where server_id is not null;
