-- The right names with other definitions, and objects of others that must stay.
drop index idx_operation_log_v2_entity;
create index idx_operation_log_v2_entity on operation_log_v2 (entity_type, entity_id);
drop index idx_sync_history_start_time;
create index idx_sync_history_start_time on sync_history (start_time);
alter table field_cache drop constraint field_cache_cache_key_key;
create unique index field_cache_by_key on field_cache (cache_key);
alter table audit_log alter column action type varchar(100), alter column user_id type varchar(50);
alter table audit_log add column of_others integer default 7;
alter table sync_history alter column status drop not null;
create view of_others as select issue_key, status from jira_issues_v2;
create table of_others_too (id integer, note text);
insert into of_others_too values (1, 'ä');
create schema others;
create table others.item (id integer primary key);
