create table t5 (n integer);
insert into t5 values (5);
