create index notes_by_body on notes (body);
