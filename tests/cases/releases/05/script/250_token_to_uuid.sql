drop view if exists receipt;
alter table loan alter column token drop default;
alter table loan alter column token type uuid using token::uuid;
alter table loan alter column token set default gen_random_uuid();
