-- Brings a table of the releases of an earlier version up to date: it did not count the rows of the history.
alter table {{ schema | identifier }}.{{ table | identifier }}
    add column if not exists recorded integer;

comment on column {{ schema | identifier }}.{{ table | identifier }}.recorded is
    'Number of rows that its runs wrote to the history until it was applied; null if a runner did not count them.';
