create or replace procedure greet(in name varchar(100))
begin
  select concat('hello ', name);
end;
