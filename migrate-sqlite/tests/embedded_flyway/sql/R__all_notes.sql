create view if not exists all_notes as select * from ${table};
