insert into fine (id, loan_id, amount, paid) values
    (1, 1, 2.50, null),
    (2, 2, 0, '2000-02-29Z'),
    (5, 9223372036854775806, 999999.99, 'infinity');
select setval('fine_id_seq', 5);
