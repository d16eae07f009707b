-- The same as in the database: an operator who was removed.
create table revoked (
    serial     text primary key,
    kind       text not null check (kind in ('device', 'server', 'operator')),
    subject    text not null,
    reason     text not null,
    revoked_by text not null,
    revoked_at text not null
) strict;
insert into revoked select serial, kind, subject, reason, revoked_by, revoked_at from revocations;
drop table revocations;
alter table revoked rename to revocations;
