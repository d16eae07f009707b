-- When a server was removed from the installation; its name is still told where it was active once.
alter table servers add column removed_at text;
