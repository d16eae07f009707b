-- What operators did at this server while it was not active, in the shape of the database's audit; kept also when it is in the database.
create table audit (
    id       integer primary key autoincrement,
    at       text not null,
    operator text not null,
    peer     text,
    action   text not null,
    subject  text not null,
    -- JSON, null where there was nothing.
    before   text,
    after    text
) strict;

-- Who tried to sign in to other servers, as those told. A server that was set back to a backup counts anew from there, so a
-- number alone does not name an attempt.
create table told_sign_ins (
    server_id text    not null,
    number    integer not null,
    at        text    not null,
    login     text    not null,
    succeeded integer not null check (succeeded in (0, 1)),
    peer      text,
    primary key (server_id, number, at)
) strict, without rowid;

create index told_sign_ins_at on told_sign_ins (at, server_id, number);
create index sign_ins_at on sign_ins (at);

-- Up to which number of this server's sign-ins and audit another server has them.
create table told_records (
    server_id text    primary key,
    sign_ins  integer not null,
    audit     integer not null
) strict, without rowid;
