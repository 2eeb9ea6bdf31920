drop view if exists open_loan;
alter table member rename to reader;
alter table reader rename constraint member_pkey to reader_pkey;
alter table reader rename constraint member_email_key to reader_email_key;
-- The body has it under its new name. A database from before release 6 does not have it yet.
alter table reader drop constraint if exists member_email_check;
alter trigger member_email on reader rename to reader_email;
alter sequence member_id_seq rename to reader_id_seq;
