create table ${table} (name text);
