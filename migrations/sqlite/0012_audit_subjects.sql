-- What happened to one thing.
create index audit_subject on audit (subject, id);
