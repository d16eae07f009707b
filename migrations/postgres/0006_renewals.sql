-- Device certificates that took the place of another one for the same key. The newest one's serial number stands in
-- devices; all of a device's are revoked together.
create table renewals (
    serial      text    primary key,
    device_id   bigint  not null references devices (id) on delete cascade,
    -- The serial number that stood in devices before.
    replaces    text    not null,
    -- Of the certificate that the device showed when it asked. Both are good until they end.
    shown       text    not null,
    -- DER; given again to a device that lost it on the way.
    certificate bytea    not null,
    renewed_at  text    not null
);

create index renewals_device on renewals (device_id);
