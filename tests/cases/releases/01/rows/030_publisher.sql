insert into publisher (id, name, country) values
    (2, 'O''Reilly & "Sons" \ Cie', 'FR'),
    (3, 'No country', null);
select setval('publisher_id_seq', 3);
