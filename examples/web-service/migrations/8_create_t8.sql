create table t8 (n integer);
insert into t8 values (8);
