-- What this server saw itself, and what the other one says it saw: local.db. Never part of a copy.

create table counters (
    name  text primary key,
    value integer not null
) strict;

-- The newest session of each device on each server. Rows of this server are its own; the others came from the peer.
create table sightings (
    server_id           text    not null,
    device_id           integer not null,
    session_id          integer not null,
    boot_id             text    not null,
    connection_sequence integer not null,
    since               text    not null,
    ended_at            text,
    end_reason          text,
    peer                text    not null,
    address             text    not null,
    port                integer not null,
    priority            integer not null,
    committed_epoch     integer not null,
    committed_number    integer not null,
    committed_hash      text    not null,
    -- What the device reported of itself (JSON).
    info                text    not null,
    -- Counts changes on the server that wrote the row; the peer asks for what is newer.
    version             integer not null,
    primary key (server_id, device_id)
) strict;

create index sightings_version on sightings (server_id, version);

-- Outcomes of trials that this server saw; forwarded to the active server until it has noted them.
create table outcomes (
    id         integer primary key autoincrement,
    device_id  integer not null,
    epoch      integer not null,
    revision   integer not null,
    hash       text    not null,
    state      text    not null check (state in ('committed', 'rolled_back')),
    reason     text,
    failures   text    not null default '[]',
    seen_at    text    not null,
    -- Null until the active server has it.
    noted_at   text,
    unique (device_id, hash, state)
) strict;

create table refresh_tokens (
    -- SHA-256 of the token.
    hash       text primary key,
    -- All tokens descended from one sign-in; a token used twice ends them all.
    family     text    not null,
    operator   text    not null,
    -- Names the password that was signed in with; a new one ends it.
    credential text    not null,
    issued_at  text    not null,
    expires_at text    not null,
    used_at    text
) strict;

create index refresh_tokens_family on refresh_tokens (family);

create table sign_ins (
    id        integer primary key autoincrement,
    at        text    not null,
    login     text    not null,
    succeeded integer not null check (succeeded in (0, 1)),
    peer      text
) strict;
