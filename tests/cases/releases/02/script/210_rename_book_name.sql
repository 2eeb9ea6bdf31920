alter table book rename column name to title;
alter index book_name rename to book_title;
