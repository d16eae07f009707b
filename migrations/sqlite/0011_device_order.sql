-- Where a device stands in the list: its name in small letters. A page of the list is read without the rest of it.
alter table devices add column place text not null default '';
update devices set place = lower(name);
drop index devices_name;
create index devices_place on devices (place, id);
