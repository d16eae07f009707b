-- Events that a standby was given: kept until the active server has them and a copy of its database has brought them back.
-- As in the database, with what forwarding needs.

create table event_rings (
    device_id    integer not null,
    ring         text    not null,
    watermark    integer not null,
    newest       integer not null,
    replaces     text,
    first_seen   text    not null,
    -- What this server counts on the database to hold: the watermark is true only together with everything up to here.
    base         integer not null default 0,
    forwarded_at text,
    primary key (device_id, ring)
) strict, without rowid;

create table events (
    device_id    integer not null,
    ring         text    not null,
    id           integer not null,
    at           text    not null,
    code         integer not null,
    user_id      text    not null,
    detail       text    not null,
    received_at  text    not null,
    received_by  text    not null,
    -- Null until the active server has it.
    forwarded_at text,
    primary key (device_id, ring, id)
) strict, without rowid;

create index events_at on events (at, device_id, ring, id);
create index events_device_at on events (device_id, at, ring, id);
create index events_unforwarded on events (device_id, ring, id) where forwarded_at is null;

create table event_gaps (
    device_id    integer not null,
    ring         text    not null,
    first_id     integer not null,
    last_id      integer not null,
    reported_at  text    not null,
    forwarded_at text,
    primary key (device_id, ring, first_id, last_id)
) strict, without rowid;
