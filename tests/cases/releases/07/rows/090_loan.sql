insert into loan (id, copy_id, member_id, token, lent, due_on, returned) values
    (1, 1, 1, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2026-01-02 03:04:05.678901Z', '2026-01-23', null),
    (2, 2, 3, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12', '1999-12-31 23:59:59+13', '2000-01-01', '2000-01-01 00:00:00-11'),
    (3, 3, 2, '00000000-0000-0000-0000-000000000000', '-infinity', 'infinity', null),
    (9223372036854775806, 4, 6, 'ffffffff-ffff-ffff-ffff-ffffffffffff', '2026-06-30Z', '2026-06-30', 'infinity');
select setval('loan_id_seq', 3);
