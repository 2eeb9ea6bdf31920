-- Brings a history table of an earlier version up to date: it did not know scripts that were started and not finished,
-- or did not know projects.
alter table {{ schema | identifier }}.{{ table | identifier }}
    add column if not exists project text not null default '';

alter table {{ schema | identifier }}.{{ table | identifier }}
    drop constraint if exists {{ (table ~ '_pkey') | identifier }},
    drop constraint if exists {{ (table ~ '_status_check') | identifier }},
    add constraint {{ (table ~ '_pkey') | identifier }} primary key (project, run, script),
    add constraint {{ (table ~ '_status_check') | identifier }} check (status in ('started', 'applied', 'failed'));

comment on column {{ schema | identifier }}.{{ table | identifier }}.run is 'Number of the run of its project, from 1.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.status is
    'applied; failed: rolled back, unless the script runs without a transaction; started: not ended, and what it committed stays.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.project is
    'The project that the script belongs to, by its name in the manifest; empty in rows of a runner that did not know projects.';
