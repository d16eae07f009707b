-- Certificates that another server said are no longer good: they count here whatever the copy of the database says.
create table revocations (
    serial     text primary key,
    kind       text not null check (kind in ('device', 'server')),
    subject    text not null,
    reason     text not null,
    revoked_by text not null,
    revoked_at text not null
) strict;
