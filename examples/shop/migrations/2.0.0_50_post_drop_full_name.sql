-- migrate:irreversible "the full names are gone"
drop trigger customers_split_name;

alter table customers drop column full_name;
