create table t1 (n integer);
insert into t1 values (1);
