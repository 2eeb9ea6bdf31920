insert into book (id, name, publisher_id, published, pages, keywords, attributes) values
    (1, 'The Left Hand of Darkness', 2, '1969-03-01', 286, '{winter,"two, words",null}', '{"a": null, "ü": [1, 1e400]}'),
    (2, 'Солярис 🪐', 3, 'infinity', 32767, '{}', '{}'),
    (3, '', null, null, null, null, '[]'),
    (4, repeat('long ', 2000), 1, '0001-01-01', 1, '{""}', '"text"');
select setval('book_id_seq', 4);
