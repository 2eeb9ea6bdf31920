-- Configuration tables of another service version: other columns, and constraints that refuse what is inserted today.
alter table configurations
    drop column user_updated,
    drop column reason,
    add column created_by varchar(255),
    add column updated_by varchar(255);
alter table configuration_history
    add column change_type varchar(20) not null default 'x',
    add constraint configuration_history_config_id_fkey foreign key (config_id) references configurations (id);
alter table configuration_history alter column change_type drop default;
alter table configuration_history alter column new_value set not null;
