create table t4 (n integer);
-- As slow as a migration of many rows.
insert into t4 with recursive c (n) as (select 1 union all select n + 1 from c where n < 3000000) select 4 from c where n = 3000000;
