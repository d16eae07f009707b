-- One server list for many devices, in waves. What became of each device stands in its push; these tables say only
-- which devices were chosen, in which order, and which revision each was given.

create table rollouts (
    id         integer primary key autoincrement,
    -- JSON, as it was asked for; null when it takes another one back.
    selector   text,
    -- JSON, as in revisions; null when it takes another one back: then each device has its own.
    entries    text,
    -- The rollout that this one takes back.
    rolls_back integer references rollouts (id),
    state      text    not null check (state in ('running', 'paused', 'stopped', 'finished', 'aborted')),
    -- Why it is in that state, in words.
    reason     text,
    -- Failures that an operator has seen and let pass.
    forgiven   integer not null default 0 check (forgiven >= 0),
    -- Who moved it to its state: an operator, or 'system'.
    moved_by   text    not null,
    created_by text    not null,
    created_at text    not null,
    updated_at text    not null,
    -- Nothing more will happen by itself, and nobody can resume it.
    ended_at   text
) strict;

create index rollouts_open on rollouts (state) where ended_at is null;

-- Without a foreign key to devices: what was rolled out stays on record when a device is removed.
create table rollout_devices (
    rollout_id      integer not null references rollouts (id) on delete cascade,
    -- From 0, in the order in which they are begun.
    position        integer not null check (position >= 0),
    device_id       integer not null,
    -- Only where another rollout is taken back: the revision that must still be wanted, and the one whose entries come back.
    undoes          integer,
    returns_to      integer,
    begun_at        text,
    -- The revision it was given; null if it was not begun, or passed over.
    revision        integer,
    -- The revision it kept when it was begun.
    before_revision integer,
    -- Why it was passed over.
    note            text,
    primary key (rollout_id, position),
    unique (rollout_id, device_id)
) strict, without rowid;

create index rollout_devices_device on rollout_devices (device_id, revision);
