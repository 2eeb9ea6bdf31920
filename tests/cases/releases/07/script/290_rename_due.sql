alter table loan rename due to due_on;
