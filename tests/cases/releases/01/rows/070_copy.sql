insert into copy (id, book_id, shelf_id, barcode, condition, price) values
    (1, 1, 1, '0000000000000000001', 'new', 999999.99),
    (2, 1, 1, '  2 ', 'worn', null),
    (3, 2, 3, 'ß', 'lost', -0.01),
    (4, 4, null, '', 'lost', 'NaN');
select setval('copy_id_seq', 4);
