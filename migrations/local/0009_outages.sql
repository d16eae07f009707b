-- Times in which another server did not answer, as this one saw them.
create table outages (
    server_id text not null,
    lost_at   text not null,
    report    text not null,
    primary key (server_id, lost_at)
) strict;
