select id from issue where key is null;
