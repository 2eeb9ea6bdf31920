-- Brings a history table of an earlier version up to date: it did not know scripts that were started and not finished.
alter table {{ schema | identifier }}.{{ table | identifier }}
    drop constraint {{ (table ~ '_status_check') | identifier }},
    add constraint {{ (table ~ '_status_check') | identifier }} check (status in ('started', 'applied', 'failed'));

comment on column {{ schema | identifier }}.{{ table | identifier }}.status is
    'applied; failed: rolled back, unless the script runs without a transaction; started: not ended, and what it committed stays.';
