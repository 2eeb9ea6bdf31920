drop index if exists book_title;
