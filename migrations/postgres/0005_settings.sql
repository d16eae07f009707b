-- How the device behaves while it lives by the revision (JSON); what is missing has its default.
alter table revisions add column settings text not null default '{}';
