-- Each time a server was made active. The newest row is the epoch that stands in installation.
create table epochs (
    number      bigint  not null primary key check (number >= 1),
    server_id   text    not null,
    -- Hexadecimal; see the protocol's document.
    seal        text    not null,
    promoted_at text    not null,
    promoted_by text    not null,
    -- first: the installation was made; handover: the server before gave its role; takeover: it could not be asked.
    kind        text    not null check (kind in ('first', 'handover', 'takeover')),
    -- How the server before was stopped, in the operator's words, if it could not be asked.
    stopped     text,
    -- The audit row up to which the database was known when the epoch began.
    change      bigint  not null
);

-- The cluster, and its line of history, on which the database is written. A primary that is on another one was promoted or
-- restored by other hands: nothing is written there.
create table cluster (
    "only"    bigint not null primary key check ("only" = 1),
    system_id text   not null,
    timeline  bigint not null
);
