create table if not exists visit (
    branch_id integer not null references branch,
    day date not null,
    visitors integer not null,
    primary key (branch_id, day)
) partition by range (day);
create table if not exists visit_2025 partition of visit for values from ('2025-01-01') to ('2026-01-01');
create table if not exists visit_2026 partition of visit for values from ('2026-01-01') to ('2027-01-01');
