-- The installation's own records: biostar2.db. This file is what a copy carries to the other server.
-- Times are RFC 3339 UTC text with milliseconds, so that they sort; identifiers that are hashes are lower-case hex.

create table installation (
    only            integer primary key check (only = 1),
    installation_id text    not null,
    epoch           integer not null check (epoch >= 1),
    -- The server that was made active with this epoch.
    active_server   text    not null,
    created_at      text    not null
) strict;

create table servers (
    id                 text primary key,
    name               text not null,
    -- 1 is the server that made the installation.
    number             integer not null unique,
    certificate_serial text not null,
    joined_at          text not null
) strict;

create table join_strings (
    id         text primary key,
    secret     blob not null,
    expires_at text not null,
    used_at    text,
    -- Good only here.
    server_id  text not null,
    created_by text not null,
    created_at text not null
) strict;

create table operators (
    id                   integer primary key,
    login                text    not null unique collate nocase,
    name                 text    not null,
    password_hash        text    not null,
    must_change_password integer not null check (must_change_password in (0, 1)),
    password_changed_at  text    not null,
    created_at           text    not null
) strict;

create table devices (
    -- Device ID, the serial number on the sticker.
    id                 integer primary key check (id between 1 and 4294967295),
    name               text    not null,
    -- What it reported when it enrolled (JSON); the local database has newer reports.
    info               text    not null,
    key_fingerprint    text    not null,
    certificate_serial text    not null,
    wanted_revision    integer not null,
    committed_revision integer,
    accepted_at        text    not null,
    accepted_by        text    not null
) strict;

create index devices_name on devices (name collate nocase, id);

create table revisions (
    device_id  integer not null references devices (id) on delete cascade,
    -- Counts from 1 per device.
    number     integer not null check (number >= 1),
    epoch      integer not null check (epoch >= 1),
    base_hash  text,
    hash       text    not null,
    -- JSON: [{"address", "port", "priority"}] in ascending priority.
    entries    text    not null,
    -- provisioning: what the device enrolled with; edit: an operator's; return: made after a rollback.
    source     text    not null check (source in ('provisioning', 'edit', 'return')),
    created_by text    not null,
    created_at text    not null,
    primary key (device_id, number)
) strict;

create table pushes (
    device_id  integer not null,
    revision   integer not null,
    state      text    not null check (state in
        ('pending', 'staged', 'probed', 'trial', 'committed', 'rolled_back', 'superseded', 'drifted', 'conflict')),
    reason     text,
    -- JSON: [{"priority", "address", "port", "reason"}]
    failures   text    not null default '[]',
    created_at text    not null,
    updated_at text    not null,
    primary key (device_id, revision),
    foreign key (device_id, revision) references revisions (device_id, number) on delete cascade
) strict;

create table waiting_devices (
    -- SHA-256 of the public key in the request.
    fingerprint     text primary key,
    device_id       integer not null,
    info            text    not null,
    request         blob    not null,
    provisioning_id text    not null,
    peer            text    not null,
    state           text    not null check (state in ('waiting', 'accepted', 'rejected')),
    -- Kept until the device has fetched it, and after, should its disk have lost it.
    certificate     blob,
    first_seen      text    not null,
    last_seen       text    not null
) strict;

create index waiting_devices_state on waiting_devices (state, first_seen);

create table provisioning_strings (
    id         text primary key,
    secret     blob    not null,
    -- JSON: ["address:port", ...]
    addresses  text    not null,
    uses       integer not null,
    used       integer not null default 0,
    expires_at text    not null,
    -- Good only here.
    server_id  text    not null,
    created_by text    not null,
    created_at text    not null
) strict;

create table revocations (
    serial     text primary key,
    kind       text not null check (kind in ('device', 'server')),
    subject    text not null,
    reason     text not null,
    revoked_by text not null,
    revoked_at text not null
) strict;

create table audit (
    id       integer primary key autoincrement,
    at       text not null,
    -- The login, or 'console' for the command line, or 'system'.
    operator text not null,
    peer     text,
    action   text not null,
    subject  text not null,
    -- JSON, null where there was nothing.
    before   text,
    after    text
) strict;
