-- Failover drills, each with its report as it stood last.
create table drills (
    id       text collate "C" not null primary key,
    begun_at text collate "C" not null,
    -- JSON.
    report   text not null
);

create index drills_begun_at on drills (begun_at);
