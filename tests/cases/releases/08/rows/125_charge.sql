insert into charge (id, kind, member_id, loan_id, amount, paid) values
    (1, 'fine', 1, 1, 2.50, null),
    (2, 'fine', 3, 2, 0, '2000-02-29Z'),
    (3, 'fine', 6, 9223372036854775806, 999999.99, 'infinity'),
    (4, 'fee', 3, null, 12, null),
    (5, 'fee', 1, null, 0, null);
select setval('charge_id_seq', 5);
