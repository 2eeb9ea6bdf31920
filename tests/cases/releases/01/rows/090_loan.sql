insert into loan (id, copy_id, member_id, token, lent, due, returned) values
    (1, 1, 1, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '2026-01-02 03:04:05.678901Z', '2026-01-23', null),
    (2, 2, 3, '{a0eebc999c0b4ef8bb6d6bb9bd380a12}', '1999-12-31 23:59:59+13', '2000-01-01', '2000-01-01 00:00:00-11'),
    (3, 3, 2, '00000000000000000000000000000000', '-infinity', 'infinity', null),
    (9223372036854775806, 4, 6, 'ffffffff-ffff-ffff-ffff-ffffffffffff', '2026-06-30Z', '2026-06-30', 'infinity');
select setval('loan_id_seq', 3);
