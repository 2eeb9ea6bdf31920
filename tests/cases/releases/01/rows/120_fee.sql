insert into fee (id, member_id, amount) values
    (1, 3, 12),
    (2, 1, 0);
select setval('fee_id_seq', 2);
