create table t7 (n integer);
insert into t7 values (7);
