create table t2 (n integer);
insert into t2 values (2);
