insert into visit (branch_id, day, visitors) values
    (1, '2025-01-01', 0),
    (1, '2025-12-31', 2147483647),
    (2, '2026-01-01', -1);
