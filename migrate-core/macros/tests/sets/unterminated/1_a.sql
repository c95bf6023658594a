create table a (n integer);
insert into a values ('never closed);
