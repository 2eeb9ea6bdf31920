-- The table in which each release of a project is written down: the files that runs have applied, each time that they
-- were others than before.
create table if not exists {{ schema | identifier }}.{{ table | identifier }} (
    project text not null,
    profiles text not null,
    run integer not null,
    identity text not null,
    number bigint,
    data text not null,
    status text not null check (status in ('started', 'applied')),
    started timestamp with time zone not null,
    role text not null,
    runner_version text not null,
    recorded integer,
    constraint {{ (table ~ '_pkey') | identifier }} primary key (project, run)
);

comment on table {{ schema | identifier }}.{{ table | identifier }} is
    'One row for each release that the schema runner applied: files of a project that were others than before.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.project is
    'The project, by its name in the manifest.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.profiles is
    'The profiles that were chosen, in alphabetical order, with commas in between; releases of others do not count.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.run is
    'Number of the run of the project that began it.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.identity is
    'SHA-256 of the paths and checksums of all rendered scripts.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.number is
    'Number of the release, where the manifest or the command line has one: a higher one is newer.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.data is
    'SHA-256 of the rendered statements of always scripts that read or write rows.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.status is
    'started: not ended, and what it committed stays; applied.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.started is 'When its run began.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.role is 'The role that applied it.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.runner_version is 'Version of the runner.';
comment on column {{ schema | identifier }}.{{ table | identifier }}.recorded is
    'Number of rows that its runs wrote to the history until it was applied; null if a runner did not count them.';
