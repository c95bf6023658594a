create table ${table} (id integer primary key);
