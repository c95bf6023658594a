create table t3 (n integer);
insert into t3 values (3);
