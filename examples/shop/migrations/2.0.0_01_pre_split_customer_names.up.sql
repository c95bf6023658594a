alter table customers add column given_name text not null default '';

alter table customers add column family_name text not null default '';

update customers
   set given_name = substr(full_name, 1, instr(full_name || ' ', ' ') - 1),
       family_name = ltrim(substr(full_name, instr(full_name || ' ', ' ')));

-- While version 1 still runs, it writes the full name only.
create trigger customers_split_name after insert on customers when new.given_name = ''
begin
  update customers
     set given_name = substr(full_name, 1, instr(full_name || ' ', ' ') - 1),
         family_name = ltrim(substr(full_name, instr(full_name || ' ', ' ')))
   where id = new.id;
end;
