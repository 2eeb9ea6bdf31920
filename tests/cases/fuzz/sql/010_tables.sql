-- Tables: Größe, 表, 😀
create table if not exists issue (
    id bigint generated always as identity primary key,
    key varchar(50) not null constraint issue_key_unique unique,
    parent bigint references issue (id) on delete set null,
    created_at timestamptz not null default now(),
    data jsonb not null default '{}'::jsonb,
    constraint issue_key_filled check (key <> '')
);
comment on table issue is 'What is tracked';
comment on column issue.key is {{ 'The key, ' ~ text }};
{% for column in field_mappings.columns %}
alter table issue add column if not exists {{ column.name | identifier }} {{ column.type | sql }};
comment on column issue.{{ column.name | identifier }} is {{ column.comment }};
{% endfor %}
create index if not exists issue_parent_idx on issue (parent) where parent is not null;
create or replace view open_issue as select id, key from issue where data ->> 'state' is distinct from 'done';
create or replace function touch() returns trigger language plpgsql as $body$
begin
    new.created_at := now(); -- ' " $$
    return new;
end;
$body$;
create or replace trigger issue_touch before update on issue for each row execute function touch();
