create table t6 (n integer);
insert into t6 values (6);
