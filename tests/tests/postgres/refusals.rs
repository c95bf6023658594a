//! What a server refuses, and what a person reads then.

use migrate_core::backend::TableName;
use migrate_core::{Error, Migrator};
use migrate_tests::servers::{Database, Postgres as Server};

use super::support::{backend, block_on, fragile, set};

/// A user of the server for as long as a test lasts, with no rights but those that all have from version 15 on.
struct User<'d> {
    name: String,
    database: &'d Database<'d>,
}

impl<'d> User<'d> {
    fn of(database: &'d Database<'d>) -> Self {
        let name = format!("user of {}", database.psql("select current_database()").trim());
        database.psql(&format!("create role \"{name}\"; revoke create on schema public from public"));
        Self { name, database }
    }

    /// A URL whose connections have the rights of this user, however the server asks who is there.
    fn url(&self) -> String {
        let url = self.database.url();
        let sign = if url.contains('?') { '&' } else { '?' };
        format!("{url}{sign}options=-c%20role%3D{}", self.name.replace(' ', "%5C%20"))
    }
}

impl Drop for User<'_> {
    fn drop(&mut self) {
        self.database.psql(&format!("drop owned by \"{0}\"; drop role \"{0}\"", self.name));
    }
}

fn told(error: &Error, user: &User<'_>) -> String {
    error.to_string().replace(&user.name, "USER").replace(user.database.psql("select current_database()").trim(), "DB")
}

#[test]
fn who_may_not_write_the_history_reads_what_to_grant() {
    let database = Server::shared().database();
    let user = User::of(&database);
    let files = set(&[("1_a", "create table a (n integer);")]);
    let error = block_on(fragile(&user.url(), &files).up()).unwrap_err();
    insta::assert_snapshot!(told(&error, &user), @r#"
    error[M0305]: the history table migrate_history cannot be created: permission denied for schema public (42501)
       = hint: grant it: GRANT CREATE ON SCHEMA "public" TO "USER"; or name a schema of your own: [history] schema
    "#);
    let own = TableName { schema: Some("own".to_owned()), ..TableName::default() };
    let with_schema =
        |create| Migrator::new(backend(&user.url()).create_schema(create), files.clone()).table(own.clone());
    let error = block_on(with_schema(true).up()).unwrap_err();
    insta::assert_snapshot!(told(&error, &user), @r#"
    error[M0305]: the schema own cannot be created: permission denied for database DB (42501)
       = hint: let somebody who may do it: CREATE SCHEMA "own" AUTHORIZATION "USER"
    "#);
    database.psql("create schema own");
    let error = block_on(with_schema(false).up()).unwrap_err();
    insta::assert_snapshot!(told(&error, &user), @r#"
    error[M0305]: the history table own.migrate_history cannot be read: permission denied for schema own (42501)
       = hint: grant it: GRANT USAGE, CREATE ON SCHEMA "own" TO "USER"
    "#);
    // What is told to grant is enough.
    database.psql(&format!(
        "grant usage, create on schema own to \"{0}\"; grant create on schema public to \"{0}\"",
        user.name
    ));
    block_on(with_schema(false).up()).unwrap();
}

#[test]
fn who_may_not_read_the_history_reads_what_to_grant() {
    let database = Server::shared().database();
    let files = set(&[("1_a", "create table a (n integer);")]);
    block_on(fragile(&database.url(), &files).up()).unwrap();
    let user = User::of(&database);
    let error = block_on(fragile(&user.url(), &files).check()).unwrap_err();
    insta::assert_snapshot!(told(&error, &user), @r#"
    error[M0305]: the history table migrate_history cannot be read: permission denied for table migrate_history (42501)
       = hint: grant it: GRANT SELECT ON "migrate_history" TO "USER"
    "#);
    database.psql(&format!("grant select on migrate_history to \"{}\"", user.name));
    assert!(block_on(fragile(&user.url(), &files).check()).unwrap().is_current());
}

#[test]
fn bad_data_of_a_copy_is_shown_where_it_stands() {
    for (head, data, line) in [
        ("copy book from stdin;", "1\tgröße\n\\N\tx\n3\tx\n", "2 | \\N\tx"),
        ("copy book from stdin; -- the books", "1\tone\n2\n", "2 | 2"),
        ("copy book from stdin with (format csv, header)\n;", "n,title\n1,one\n1,two\n3,x\n", "3 | 1,two"),
        ("copy book from stdin;", "1\tone\n2\ttwo\textra\n", "2 | 2\ttwo\textra"),
    ] {
        for before in ["", "-- migrate:no-transaction\n"] {
            let text = format!(
                "{before}-- größer\ncreate table book (n integer primary key, title text);\n{head}\n{data}\\.\n"
            );
            let files = [("1_book", text.as_str())];
            let database = Server::shared().database();
            let error = block_on(fragile(&database.url(), &set(&files)).up()).unwrap_err();
            let place = error.diagnostics()[0].place.clone().expect("a place");
            let found = place.position.expect("a line");
            let (number, wanted) = line.split_once(" | ").expect("a line of the data");
            let number: usize = number.parse().expect("a number");
            let above = text.lines().take_while(|&line| Some(line) != data.lines().next()).count();
            assert_eq!((found.line, found.column), (above + number, 1), "{error}");
            assert_eq!(text.lines().nth(found.line - 1), Some(wanted), "{error}");
        }
    }
}
