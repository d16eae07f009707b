-- Changes that this server made while another one was active already: in no other database, and shown until an operator has
-- seen to them.
create table divergent_changes (
    id       integer primary key autoincrement,
    -- The epoch in which this server made them.
    epoch    integer not null,
    at       text    not null,
    operator text    not null,
    action   text    not null,
    subject  text    not null,
    -- JSON, null where there was nothing.
    before   text,
    after    text,
    found_at text    not null,
    -- Null until an operator has dealt with it.
    settled_at text,
    settled_by text
) strict;
