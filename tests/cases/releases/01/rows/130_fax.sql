insert into fax (id, branch_id, number) values
    (1, 1, '+41 44 000 00 00'),
    (2, null, '');
select setval('fax_id_seq', 2);
