//! What is refused, and what a person reads then.

use std::sync::OnceLock;

use migrate_core::error::ErrorKind;
use migrate_core::plan::Refusal;
use migrate_core::{Error, MigrationSet, Migrator};
use migrate_tests::project::Files;
use migrate_tests::servers::mysql::{Database, Options};
use migrate_tests::servers::{Flavour, MySql as Server};
use migrate_tests::{Project, Transcript};

use super::FLAVOUR;
use super::support::{backend, block_on, fragile, noted, set};

/// What `migrate` says, without what is another in every run.
fn told(said: &Transcript, database: &Database<'_>) -> String {
    plain(&said.to_string(), database)
}

fn plain(text: &str, database: &Database<'_>) -> String {
    // The digest of a plan is another for each engine.
    let text =
        text.lines().filter(|line| !line.starts_with("digest ")).fold(String::new(), |all, line| all + line + "\n");
    text.replace(database.name(), "DB")
        .replace(&database.server().address(), "SERVER")
        .replace(database.server().version(), "VERSION")
        .replace("mariadb", "mysql")
        .replace("MariaDB", "MySQL")
        .replace("in 'field list'", "in 'SET'")
}

/// A user of the server for as long as a test lasts, who has a password and no rights.
struct User<'d> {
    name: String,
    database: &'d Database<'d>,
}

impl<'d> User<'d> {
    fn of(database: &'d Database<'d>) -> Self {
        // A name has at most 32 characters.
        let name = database.name().replacen("migrate_test_", "u", 1);
        database.sql(&format!("create user '{name}'@'%' identified by 'hunter2'"));
        Self { name, database }
    }

    fn url(&self) -> String {
        self.database.url().replacen("test:test@", &format!("{}:hunter2@", self.name), 1)
    }

    fn may(&self, rights: &str) {
        self.database.sql(&format!("grant {rights} to '{}'@'%'", self.name));
    }

    fn told(&self, error: &Error) -> String {
        plain(&error.to_string(), self.database).replace(&self.name, "USER")
    }
}

impl Drop for User<'_> {
    fn drop(&mut self) {
        let _ = self.database.feed(&format!("drop user '{}'@'%'", self.name));
    }
}

#[test]
fn who_may_not_write_the_history_reads_what_to_grant() {
    let database = Server::shared(FLAVOUR).database();
    let user = User::of(&database);
    user.may(&format!("select on {}.*", database.name()));
    let files = set(&[("1_a", "create table a (n integer);")]);
    let error = block_on(fragile(&user.url(), &files).up()).unwrap_err();
    assert!(error.to_string().contains("command denied to user"), "{error}");
    let text = user.told(&error);
    let (_, granted) = text.split_once("hint: grant it: GRANT ").unwrap_or_else(|| panic!("{text}"));
    let rights = granted.lines().next().unwrap();
    assert_eq!(rights, "CREATE, ALTER, INSERT, SELECT, UPDATE ON `DB`.`migrate_history` TO 'USER'@'%'");
    // What is told to grant is enough for the history.
    database.sql(&format!("grant {}", rights.replace("DB", database.name()).replace("USER", &user.name)));
    let error = block_on(fragile(&user.url(), &files).up()).unwrap_err();
    assert!(user.told(&error).contains("1 a: statement 1 of 1 failed: CREATE command denied"), "{error}");
    user.may(&format!("create on {}.*", database.name()));
    block_on(fragile(&user.url(), &files).up()).unwrap();
}

#[test]
fn who_may_not_read_the_history_reads_what_to_grant() {
    let database = Server::shared(FLAVOUR).database();
    let files = set(&[("1_a", "create table a (n integer);")]);
    block_on(fragile(&database.url(), &files).up()).unwrap();
    let user = User::of(&database);
    user.may(&format!("select on {}.a", database.name()));
    let error = block_on(fragile(&user.url(), &files).check()).unwrap_err();
    let text = user.told(&error);
    assert!(text.contains("the history table migrate_history cannot be read: SELECT command denied"), "{text}");
    assert!(text.contains("GRANT SELECT ON `DB`.`migrate_history` TO 'USER'@'%'"), "{text}");
    user.may(&format!("select on {}.migrate_history", database.name()));
    assert!(block_on(fragile(&user.url(), &files).check()).unwrap().is_current());
}

#[test]
fn who_sees_little_of_the_server_can_still_migrate() {
    let database = Server::shared(FLAVOUR).database();
    let user = User::of(&database);
    user.may(&format!(
        "create, alter, drop, index, insert, select, update, delete, lock tables on {}.*",
        database.name()
    ));
    let files: MigrationSet = set(&[
        (
            "1_a",
            "create table a (n integer);\ninsert into a values (1);\nalter table a add m int;\ncreate index i on a (n);",
        ),
        ("2_b", "lock tables a write;\ninsert into a values (2, 2);\nunlock tables;\ntruncate table a;\ndrop table a;"),
    ]);
    block_on(fragile(&user.url(), &files).up()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(database.sql("select count(*) from migrate_history where state = 'done'"), "2\n");
}

const FIVE: &str = "create table orders (id int primary key, owner int);
insert into orders values (1, 1);
update orders set ownr = 1;
create table items (id int);
insert into items values (1);
";

#[test]
fn a_failed_statement_is_shown_with_what_is_done_and_the_mended_file_goes_on() {
    let database = Server::shared(FLAVOUR).database();
    let project = Project::with(&[("2.1.0_split_orders", FIVE)]);
    let up = || project.migrate_with(&["up", "-d", &database.url()]);
    insta::assert_snapshot!(told(&up().exits(3), &database), @r"
    $ migrate up -d mysql://test:test@SERVER/DB
    mysql://test@SERVER/DB · 1 pending
    error[M0302]: 2.1.0 split orders: statement 3 of 5 failed: Unknown column 'ownr' in 'SET' (1054)
      --> migrations/2.1.0_split_orders.sql:3:19
     3 | update orders set ownr = 1;
       |                   ^^^^
       = no migration was completed in this run
       = statements 1 and 2 are applied and recorded; 3 to 5 have not run
       = fix the file from line 3 on and run `migrate up` again: it goes on with statement 3
    exit 3
    ");
    insta::assert_snapshot!(told(&project.migrate_with(&["plan", "-d", &database.url()]).exits(0), &database), @r"
    $ migrate plan -d mysql://test:test@SERVER/DB
    1  2.1.0 split orders  journalled, 3 statements; goes on with statement 3 of 5
          update orders set ownr = 1
          create table items (id int)
          insert into items values (1)
    ");
    let mended = FIVE.replace("ownr", "owner");
    project.write("migrations/2.1.0_split_orders.sql", &mended.replace("(1, 1)", "(2, 2)"));
    insta::assert_snapshot!(told(&up().exits(1), &database), @r"
    $ migrate up -d mysql://test:test@SERVER/DB
    error[M0204]: 2.1.0 split orders: the part that has already run was changed (2 statements had run)
      --> migrations/2.1.0_split_orders.sql
       |   create table orders (id int primary key, owner int);
       | - insert into orders values (1, 1);
       | - update orders set ownr = 1;
       | + insert into orders values (2, 2);
       | + update orders set owner = 1;
       |   create table items (id int);
       |   insert into items values (1);
       = put that part of the file back as it was; only what has not run yet can be changed
    exit 1
    ");
    assert_eq!(database.sql("select * from orders"), "1\t1\n");
    project.write(
        "migrations/2.1.0_split_orders.sql",
        &mended.replace("create table items", "-- größe\ncreate table items"),
    );
    insta::assert_snapshot!(told(&up().exits(0), &database), @r"
    $ migrate up -d mysql://test:test@SERVER/DB
    mysql://test@SERVER/DB · 1 pending
      2.1.0  split orders   statements 3 to 5 of 5  _ ms
    1 completed in _ ms · now at 2.1.0
    ");
    assert_eq!(database.sql("select * from orders; select * from items"), "1\t1\n1\n");
    let rows = database.sql("select state, `cursor`, statements from migrate_history order by seq");
    assert_eq!(rows, "failed\t2\t5\ndone\t5\t5\n");
}

#[test]
fn what_may_have_to_be_asked_about_is_announced() {
    let database = Server::shared(FLAVOUR).database();
    let project = Project::with(&[(
        "1_tables",
        "create table old (n int) engine = MyISAM;\ncreate table new (n int);\n\
                      create procedure p() begin create table made (n int); end;",
    )]);
    project.migrate_with(&["up", "-d", &database.url()]).exits(0);
    project.write("migrations/2_writes.sql", "insert into new values (1);\ninsert into old values (1);\ncall p();");
    insta::assert_snapshot!(told(&project.migrate_with(&["plan", "-d", &database.url()]).exits(0), &database), @r"
    $ migrate plan -d mysql://test:test@SERVER/DB
    1  2 writes  journalled, 3 statements; destructive; a crash inside statements 2, 3 may have to be asked about
          insert into new values (1)
          insert into old values (1)
          call p()
    ");
}

/// Of a table without transactions MySQL keeps nothing where it is killed while it makes another one of it (seen on 9.7).
#[test]
fn a_table_that_a_killed_server_has_lost_is_asked_about_and_not_made_again() {
    let database = Server::shared(FLAVOUR).database();
    let alter = "alter table n engine = InnoDB";
    let files = [("1_n", "create table n (id int) engine = MyISAM;"), ("2_transactions", alter)];
    let up = |files: &[(&str, &str)]| block_on(Migrator::new(backend(&database.url()), set(files)).up());
    up(&files[..1]).unwrap();
    let note = noted(&database, alter);
    up(&files).unwrap();
    database.sql(&format!(
        "drop table n; update migrate_history set state = 'in_flight', `cursor` = 0, prefix_digest = null, \
         finished_at = null, note = '{note}' where seq = 2"
    ));
    let error = up(&files).unwrap_err();
    let ErrorKind::Refused(Refusal::InDoubt { reason, .. }) = error.kind() else { panic!("{error}") };
    assert_eq!(reason, "catalog: n is gone, and the statement does not drop it");
}

#[test]
fn a_url_without_a_database_is_told_what_is_missing() {
    let project = Project::with(&[("1_a", "create table a (n int);")]);
    let url = Server::shared(FLAVOUR).url("");
    for command in ["up", "status", "check"] {
        let said = project.migrate_with(&[command, "-d", &url]);
        assert!(said.stderr.contains("names no database") && said.stderr.contains("MYSQL_DATABASE"), "{said}");
        assert!(!said.stdout.contains("test:test") && !said.stderr.contains("test:test"), "{said}");
    }
}

/// A server that takes no writes but those of `root`.
fn read_only() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(FLAVOUR, Options { relaxed: true, ..Options::default() }))
}

#[test]
fn a_server_that_takes_no_writes_is_named() {
    let server = read_only();
    let database = server.database();
    let user = User::of(&database);
    user.may(&format!("all on {}.*", database.name()));
    let files: Files<'_> = &[("1_a", "create table a (n int);")];
    let project = Project::with(files);
    let switch = if FLAVOUR == Flavour::MySql { "super_read_only" } else { "read_only" };
    server.sql_as_root("", &format!("set global {switch} = 1"));
    let said = project.migrate_with(&["up", "-d", &user.url()]);
    let looked = project.migrate_with(&["status", "-d", &user.url()]);
    server.sql_as_root("", &format!("set global {switch} = 0; set global read_only = 0"));
    assert!(said.to_string().contains("read-only"), "{said}");
    assert_ne!(said.code, Some(0), "{said}");
    looked.exits(0);
    project.migrate_with(&["up", "-d", &user.url()]).exits(0);
}
