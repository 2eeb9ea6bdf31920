insert into shelf (id, branch_id, label, height) values
    (1, 1, 'A', '[0, 1.85]'),
    (2, 1, 'a', 'empty'),
    (3, 2, '棚', null);
select setval('shelf_id_seq', 3);
