-- Whether operators want the standby to take over by itself when most devices are on it and the active server is silent.
alter table installation
    add column automatic_promotion integer not null default 0 check (automatic_promotion in (0, 1));
