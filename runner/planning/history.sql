-- The table in which each run writes down what it did.
create table if not exists {{ schema | identifier }}.{{ table | identifier }} (
    run integer not null,
    script text not null,
    checksum text not null,
    status text not null,
    statements integer not null,
    started timestamp with time zone not null,
    seconds double precision not null,
    role text not null,
    runner_version text not null,
    error text,
    project text not null default '',
    constraint {{ (table ~ '_pkey') | identifier }} primary key (project, run, script),
    constraint {{ (table ~ '_status_check') | identifier }} check (status in ('started', 'applied', 'failed'))
);

comment on table {{ schema | identifier }}.{{ table | identifier }} is
    'One row for each script of a run of the schema runner that changed something or failed.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.run is 'Number of the run of its project, from 1.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.script is 'Path of the script, relative to the manifest.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.checksum is
    'SHA-256 of the tokens of the rendered script; comments and white space do not count.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.status is
    'applied; failed: rolled back, unless the script runs without a transaction; started: not ended, and what it committed stays.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.statements is 'Number of statements that were sent.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.started is 'When the script began.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.seconds is 'How long the script took, in seconds.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.role is 'The role that ran the script.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.runner_version is 'Version of the runner.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.error is 'Why the script failed, with its place and SQLSTATE.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.project is
    'The project that the script belongs to, by its name in the manifest; empty in rows of a runner that did not know projects.';
