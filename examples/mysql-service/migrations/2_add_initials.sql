alter table people add column initials varchar(10);
