drop trigger customers_split_name;

alter table customers drop column family_name;

alter table customers drop column given_name;
