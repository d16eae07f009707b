-- What devices logged. A device's events stand in a ring with a random id and are numbered in it from 1, so
-- (device, ring, id) is the same event on every server. The tables have no foreign keys: events outlive their device.

create table event_rings (
    device_id  bigint  not null,
    -- 32 hexadecimal digits.
    ring       text    collate "C" not null,
    -- Every event up to this id is held, or is known to be gone. Does not fall when events are deleted.
    watermark  bigint  not null,
    -- The highest id held; above the watermark while another server has what lies between.
    newest     bigint  not null,
    -- The ring that this one was opened in place of.
    replaces   text,
    first_seen text    not null,
    primary key (device_id, ring)
);

create table events (
    device_id   bigint  not null,
    ring        text    collate "C" not null,
    id          bigint  not null,
    -- By the device's clock.
    at          text    collate "C" not null,
    -- As the vendor numbers it.
    code        bigint  not null,
    -- Empty if nobody was at the door.
    user_id     text    not null,
    detail      text    not null,
    received_at text    not null,
    -- The server that the device gave it to.
    received_by text    not null,
    primary key (device_id, ring, id)
);

create index events_at on events (at, device_id, ring, id);
create index events_device_at on events (device_id, at, ring, id);

-- Overwritten in the device's ring before any server had them.
create table event_gaps (
    device_id   bigint  not null,
    ring        text    collate "C" not null,
    first_id    bigint  not null,
    last_id     bigint  not null,
    reported_at text    not null,
    primary key (device_id, ring, first_id, last_id)
);
