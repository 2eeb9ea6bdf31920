insert into shelf (id, branch_id, label) values
    (1, 1, 'A'),
    (2, 1, 'a'),
    (3, 2, '棚');
select setval('shelf_id_seq', 3);
