-- Failover drills, each with its report as it stood last.
create table drills (
    id       text not null primary key,
    begun_at text not null,
    -- JSON.
    report   text not null
) strict;

create index drills_begun_at on drills (begun_at);
