-- What each device found when it last tried servers from its own network, as this server was told.
create table probes (
    device_id integer primary key,
    at        text    not null,
    -- JSON: [{"priority", "address", "port", "passed", ...}] in ascending priority.
    rows      text    not null
) strict;
