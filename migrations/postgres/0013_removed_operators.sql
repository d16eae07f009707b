-- An operator who was removed is so on every server at once, whatever copy it has.
alter table revocations drop constraint revocations_kind_check;
alter table revocations add constraint revocations_kind_check check (kind in ('device', 'server', 'operator'));
