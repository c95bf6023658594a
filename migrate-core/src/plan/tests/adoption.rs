//! Taking over other tools' histories: goose, golang-migrate, sqlx, Flyway and Alembic stand for the others.

use insta::assert_snapshot;

use super::*;
use crate::checksum::foreign;

const FILES: &str = "
    file 1 users up:\"create table users (n int)\" down:\"drop table users\"
    file 2 pets up:\"create table pets (n int)\"
    file 3 owners up:\"create table owners (n int)\"
    objects users, pets";
const GOOSE: &str = "
    theirs goose_db_version id version_id is_applied
    their 1|0|t
    their 2|1|t
    their 3|2|t";
const GOLANG: &str = "theirs schema_migrations version dirty";
const SQLX: &str = "theirs _sqlx_migrations version description installed_on success checksum execution_time";
const FLYWAY: &str = "theirs flyway_schema_history installed_rank version description type script checksum \
    installed_by installed_on execution_time success";

/// What would happen, as a person reads it.
fn adopted(fixture: &str) -> String {
    let case = case(fixture);
    let Goal::Adopt(goal) = &case.goal else { panic!("the goal is no adoption") };
    match adopt::adoption(&case.set, &case.observed(), goal, &case.policy, case.dialect) {
        Ok(adoption) => {
            let problems: Vec<_> = adoption.problems.iter().flat_map(adopt::Problem::diagnostics).collect();
            adoption.to_string() + &lines(&problems)
        }
        Err(refusal) => lines(&refusal.diagnostics()),
    }
}

/// The rows that a plan writes.
fn written(fixture: &str) -> Vec<(Entry, Texts)> {
    let plan = case(fixture).plan().unwrap();
    let rows = plan.steps.into_iter().zip(1..).map(|(step, seq)| {
        let mut row = step.row;
        row.entry.key.seq = seq;
        (row.entry, Texts { script: row.script, down_script: row.down_script })
    });
    rows.collect()
}

/// What is planned on a database with these rows.
fn planned_with(rows: &[(Entry, Texts)], fixture: &str) -> String {
    let mut case = case(fixture);
    case.rows = rows.to_vec();
    case.server.has_history = true;
    match case.plan() {
        Ok(plan) => plan.to_string().lines().filter(|line| !line.starts_with("digest ")).map(line).collect(),
        Err(refusal) => lines(&refusal.diagnostics()),
    }
}

#[test]
fn a_history_is_named_with_the_command_that_takes_it_over() {
    assert_snapshot!(planned(&format!("{FILES}\n{GOLANG}\ntheir 2|f")), @r#"
    refused[M0208]: the database has the history of golang-migrate, and none of ours: table schema_migrations with version, dirty
       = see what taking it over would do: migrate adopt --from golang-migrate --dry-run
       = take it over:                     migrate adopt --from golang-migrate
       = or take it over and go on at once: migrate up --adopt
       = or leave that history alone: set `foreign-history = "ignore"` under [policy] in migrate.toml
    "#);
    let two = format!("{FILES}\n{GOLANG}\ntheir 2|f\n{SQLX}");
    assert_snapshot!(planned(&two), @r#"
    refused[M0208]: the database has the history of golang-migrate and of sqlx, and none of ours
       = golang-migrate: table schema_migrations with version, dirty
       = sqlx: table _sqlx_migrations with version, description, installed_on … execution_time (6)
       = say which is taken over: migrate adopt --from golang-migrate --dry-run
       = or leave that history alone: set `foreign-history = "ignore"` under [policy] in migrate.toml
    "#);
    assert_snapshot!(planned(&format!("{FILES}\n{GOLANG}\npolicy foreign-history=ignore\npolicy on-nonempty=1")), @r"
    1  baseline 1 users     recorded, nothing runs
    2  baseline 1 baseline  recorded, nothing runs
    3  2 pets               in a transaction, 1 statement
          create table pets (n int)
    4  3 owners             in a transaction, 1 statement
          create table owners (n int)
    then the set is complete
    ");
}

#[test]
fn what_the_tool_has_applied_is_taken_over() {
    let fixture = format!("{FILES}\n{GOOSE}\ngoal adopt --from goose");
    assert_snapshot!(adopted(&fixture), @r"
    goose · goose_db_version
      table goose_db_version with id, version_id, is_applied
      somebody said so: --from goose
      the files were read with the layout native, which is not its own
    applied (2)
      1 users  no checksum recorded
      2 pets   no checksum recorded
    pending (1)
      3 owners
    ");
    assert_snapshot!(planned(&fixture), @r"
    1  adopt 1 users                                recorded, nothing runs
    2  adopt 2 pets                                 recorded, nothing runs
    3  adopt R goose's history in goose_db_version  recorded, nothing runs
    ");
    let rows = written(&fixture);
    let shown: Vec<String> = rows
        .iter()
        .map(|(entry, texts)| {
            format!(
                "{} | {} | {} | {} | {}",
                entry.title(),
                entry.origin.as_deref().unwrap_or_default(),
                entry.note.as_deref().unwrap_or_default().replace('\t', "→"),
                texts.script.as_deref().unwrap_or("-"),
                texts.down_script.as_deref().unwrap_or("-"),
            )
        })
        .collect();
    assert_snapshot!(shown.join("\n"), @r#"
    1 users | goose 1 recorded | {"id":"2","version_id":"1","is_applied":"t"} | create table users (n int) | drop table users
    2 pets | goose 2 recorded | {"id":"3","version_id":"2","is_applied":"t"} | create table pets (n int) | -
    R goose's history in goose_db_version | adoption | goose→→goose_db_version→native
    {"id":"1","version_id":"0","is_applied":"t"} | - | -
    "#);
    assert_snapshot!(planned_with(&rows, &format!("{FILES}\n{GOOSE}")), @r"
    1  3 owners  in a transaction, 1 statement
          create table owners (n int)
    ");
    assert_snapshot!(planned_with(&rows, &fixture), @"nothing to do");
}

#[test]
fn up_can_do_both_in_one_go() {
    assert_snapshot!(planned(&format!("{FILES}\n{GOLANG}\ntheir 2|f\npolicy foreign-history=adopt")), @r"
    1  adopt 1 users                                          recorded, nothing runs
    2  adopt 2 pets                                           recorded, nothing runs
    3  adopt R golang-migrate's history in schema_migrations  recorded, nothing runs
    4  3 owners                                               in a transaction, 1 statement
          create table owners (n int)
    ");
}

#[test]
fn a_tool_may_have_come_further_than_the_set() {
    let fixture = format!("{FILES}\n{GOLANG}\ntheir 7|f\ngoal adopt");
    assert_snapshot!(adopted(&fixture), @r"
    golang-migrate · schema_migrations
      table schema_migrations with version, dirty
      the files were read with the layout native
    applied (3)
      1 users   inferred, no checksum recorded
      2 pets    inferred, no checksum recorded
      3 owners  inferred, no checksum recorded
    applied, but not in this set (1)
      7  recorded as applied
    note: golang-migrate keeps no row for each of them: that they are applied is inferred from how far it has come
    ");
    let rows = written(&fixture.replace("7|f", "2|f"));
    assert_snapshot!(planned_with(&rows, &format!("{FILES}\n{GOLANG}\ntheir 7|f")), @r#"
    refused[M0225]: golang-migrate went on after its history was taken over: it applied 3 owners, it applied 7, which is not in this set
       = take that over too: migrate adopt --from golang-migrate
       = once golang-migrate is given up, drop schema_migrations, or look away from it: set `foreign-history = "ignore"` under [policy] in migrate.toml
    "#);
    let baseline = format!("{FILES}\n{FLYWAY}\ntheir 1|1.5|b|BASELINE|b|-|me|x|0|t\ngoal adopt --from flyway");
    assert_snapshot!(adopted(&baseline), @r"
    Flyway · flyway_schema_history
      table flyway_schema_history with installed_rank, version, description … success (10)
      somebody said so: --from flyway
      the files were read with the layout native, which is not its own
    applied (1)
      1 users  inferred, no checksum recorded
    pending (2)
      2 pets
      3 owners
    note: Flyway keeps no row for 1 of them: that it is applied is inferred from how far it has come
    ");
}

#[test]
fn a_tool_that_fails_or_has_not_finished_is_not_taken_over() {
    assert_snapshot!(adopted(&format!("{FILES}\n{GOLANG}\ntheir 2|t\ngoal adopt")), @r"
    golang-migrate · schema_migrations
      table schema_migrations with version, dirty
      the files were read with the layout native
    pending (3)
      1 users
      2 pets
      3 owners
    refused[M0223]: 2: golang-migrate failed, and what it left behind is not known
      --> m/2_pets.up.sql
       = look at the database, finish it with golang-migrate or take it back, then: migrate adopt
    ");
    let sqlx = format!(
        "{FILES}\n{SQLX}\ntheir 1|users|x|t|{}|1\ntheir 2|pets|x|f|00|-1\ngoal adopt",
        foreign::sqlx("create table users (n int)")
    );
    assert_snapshot!(planned(&sqlx), @r"
    refused[M0223]: 2 pets: sqlx failed, and what it left behind is not known
      --> m/2_pets.up.sql
       = look at the database, finish it with sqlx or take it back, then: migrate adopt
    ");
}

#[test]
fn a_file_that_is_not_what_was_recorded_is_named() {
    let fixture = format!("{FILES}\n{SQLX}\ntheir 1|users|x|t|abcd|1\ngoal adopt");
    assert_snapshot!(adopted(&fixture), @r"
    sqlx · _sqlx_migrations
      table _sqlx_migrations with version, description, installed_on … execution_time (6)
      the files were read with the layout native
    applied (1)
      1 users  checksum differs
    pending (2)
      2 pets
      3 owners
    error[M0224]: 1 users: the file is not what sqlx recorded
      --> m/1_users.up.sql
       = recorded: abcd
       = the file: da5448131557a4594fe520a99af91d6427820a109b62b7394689212f06ee4324fb8e4a09f7574ba9aeb317c3591e2518
       = put the file back as it was run, or, if what it does is the same:
       = take it over as it is: migrate adopt --accept-changed 1
    ");
    assert_snapshot!(adopted(&format!("{fixture} --accept-changed 1")), @r"
    sqlx · _sqlx_migrations
      table _sqlx_migrations with version, description, installed_on … execution_time (6)
      the files were read with the layout native
    applied (1)
      1 users  checksum differs, accepted
    pending (2)
      2 pets
      3 owners
    ");
}

#[test]
fn line_endings_may_have_changed() {
    let windows = foreign::sqlx("create table\r\nusers (n int)");
    let fixture =
        format!("file 1_users.sql \"create table\\nusers (n int)\"\n{SQLX}\ntheir 1|users|x|t|{windows}|1\ngoal adopt");
    assert_snapshot!(adopted(&fixture), @r"
    sqlx · _sqlx_migrations
      table _sqlx_migrations with version, description, installed_on … execution_time (6)
      the files were read with the layout native
    applied (1)
      1 users  checksum matches after a change of line endings
    ");
}

#[test]
fn what_the_set_does_not_have_is_recorded_all_the_same() {
    let users = foreign::flyway("create table users (n int)");
    let fixture = format!(
        "{FILES}\n{FLYWAY}\n\
         their 1|1|users|SQL|V1__users.sql|{users}|me|x|1|t\n\
         their 2|1.5|code|JDBC|db.V1_5__Code|-|me|x|1|t\n\
         their 3|9|later|SQL|V9__later.sql|5|me|x|1|t\n\
         their 4|-|a view|SQL|R__a_view.sql|5|me|x|1|t\n\
         their 5|2|pets|SQL|V2__pets.sql|5|me|x|1|t\n\
         their 6|2|pets|DELETE|V2__pets.sql|5|me|x|1|t\n\
         goal adopt --from flyway"
    );
    assert_snapshot!(adopted(&fixture), @r"
    Flyway · flyway_schema_history
      table flyway_schema_history with installed_rank, version, description … success (10)
      somebody said so: --from flyway
      the files were read with the layout native, which is not its own
    applied (1)
      1 users  checksum matches
    pending (2)
      2 pets
      3 owners
    applied, but not in this set (3)
      1.5 code  written in Java, recorded as applied
      9 later   recorded as applied
      a view    recorded as applied
    note: 2: it was taken back, and counts as pending
    ");
    let rows = written(&fixture);
    assert_snapshot!(planned_with(&rows, &format!("{FILES}\npolicy out-of-order=all")), @r"
    1  2 pets    in a transaction, 1 statement
          create table pets (n int)
    2  3 owners  in a transaction, 1 statement
          create table owners (n int)
    ");
}

#[test]
fn a_repeatable_that_was_changed_runs_again() {
    let fixture = |sum: i32| {
        format!(
            "file R totals up:\"select 1\"\n{FLYWAY}\ntheir 1|-|totals|SQL|R__totals.sql|{sum}|me|x|1|t\ngoal adopt --from flyway"
        )
    };
    assert_snapshot!(adopted(&fixture(5)), @r"
    Flyway · flyway_schema_history
      table flyway_schema_history with installed_rank, version, description … success (10)
      somebody said so: --from flyway
      the files were read with the layout native, which is not its own
    pending (1)
      R totals  it was changed since Flyway ran it
    ");
    assert_snapshot!(adopted(&fixture(foreign::flyway("select 1"))), @r"
    Flyway · flyway_schema_history
      table flyway_schema_history with installed_rank, version, description … success (10)
      somebody said so: --from flyway
      the files were read with the layout native, which is not its own
    applied (1)
      R totals  checksum matches
    ");
}

#[test]
fn of_a_tool_whose_migrations_are_code_a_person_says_where_it_stands() {
    let alembic = "theirs alembic_version version_num\ntheir ae10";
    assert_snapshot!(planned(&format!("{FILES}\n{alembic}\ngoal adopt")), @r"
    refused[M0222]: Alembic stands at ae10, and its migrations are code: which of these files the database has, it cannot tell
       = say up to which version it has them: migrate adopt --from alembic --to VERSION
       = or that it has none of them:         migrate adopt --from alembic --to 0
    ");
    assert_snapshot!(adopted(&format!("{FILES}\n{alembic}\ngoal adopt --to 2")), @r"
    Alembic · alembic_version
      table alembic_version with version_num
    applied (2)
      1 users  inferred, no checksum recorded
      2 pets   inferred, no checksum recorded
    pending (1)
      3 owners
    note: Alembic's own migrations are code: it stands at ae10, which is kept with the mark
    ");
    let rows = written(&format!("{FILES}\n{alembic}\ngoal adopt --to 2"));
    assert_snapshot!(planned_with(&rows, &format!("{FILES}\n{alembic}")), @r"
    1  3 owners  in a transaction, 1 statement
          create table owners (n int)
    ");
    assert_snapshot!(planned_with(&rows, &format!("{FILES}\n{alembic}\ntheir bb20")), @r#"
    refused[M0225]: Alembic went on after its history was taken over: it does not stand where it stood
       = take that over too: migrate adopt --from alembic
       = once Alembic is given up, drop alembic_version, or look away from it: set `foreign-history = "ignore"` under [policy] in migrate.toml
    "#);
    assert_snapshot!(planned_with(&rows, &format!("{FILES}\n{alembic}\ntheir bb20\ngoal adopt --from alembic")), @"1  adopt R Alembic's history in alembic_version  recorded, nothing runs");
    assert_snapshot!(planned(&format!("{FILES}\n{alembic}\ngoal adopt --to 0")), @"1  adopt R Alembic's history in alembic_version  recorded, nothing runs");
}

#[test]
fn what_the_tool_does_afterwards_is_noticed() {
    let rows = written(&format!("{FILES}\n{GOOSE}\ngoal adopt --from goose"));
    let later = format!("{FILES}\n{GOOSE}\ntheir 4|3|t");
    assert_snapshot!(planned_with(&rows, &later), @r#"
    refused[M0225]: goose went on after its history was taken over: it applied 3 owners
       = take that over too: migrate adopt --from goose
       = once goose is given up, drop goose_db_version, or look away from it: set `foreign-history = "ignore"` under [policy] in migrate.toml
    "#);
    assert_snapshot!(planned_with(&rows, &format!("{later}\ngoal adopt --from goose")), @r"
    1  adopt 3 owners                               recorded, nothing runs
    2  adopt R goose's history in goose_db_version  recorded, nothing runs
    ");
    assert_snapshot!(planned_with(&rows, &format!("{later}\npolicy foreign-history=adopt")), @r"
    1  adopt 3 owners                               recorded, nothing runs
    2  adopt R goose's history in goose_db_version  recorded, nothing runs
    ");
    assert_snapshot!(planned_with(&rows, &format!("{later}\npolicy foreign-history=ignore")), @r"
    1  3 owners  in a transaction, 1 statement
          create table owners (n int)
    ");
    let back = format!("{FILES}\n{GOOSE}\ntheir 4|2|f");
    assert_snapshot!(planned_with(&rows, &back), @r#"
    refused[M0225]: goose went on after its history was taken over: it took 2 back
       = take that over too: migrate adopt --from goose
       = once goose is given up, drop goose_db_version, or look away from it: set `foreign-history = "ignore"` under [policy] in migrate.toml
    "#);
    assert_snapshot!(planned_with(&rows, &format!("{back}\ngoal adopt --from goose")), @r"
    1  forget 2 pets                                recorded, nothing runs
    2  adopt R goose's history in goose_db_version  recorded, nothing runs
    ");
    // What both of us applied is no news.
    let both: Vec<_> = rows.iter().cloned().chain([applied_by_us("3", rows.len())]).collect();
    assert_snapshot!(planned_with(&both, &later), @"nothing to do");
}

fn applied_by_us(id: &str, after: usize) -> (Entry, Texts) {
    let case = case(FILES);
    let migration = case.set.get(&id.parse().unwrap()).unwrap();
    let key = EntryKey { component: "main".to_owned(), seq: after as u64 + 1 };
    let mut entry = Entry::blank(key, migration.id.clone(), Action::Up);
    entry.checksum.clone_from(&migration.checksum);
    (entry, Texts::default())
}

#[test]
fn nobody_guesses_whose_history_it_is() {
    assert_snapshot!(planned(&format!("{FILES}\n{GOOSE}\ngoal adopt")), @r"
    refused[M0222]: the database has the history of goose, but the files were read with the layout native
       = goose: table goose_db_version with id, version_id, is_applied
       = say which: migrate adopt --from goose, with --layout if the files are its own
    ");
    assert_snapshot!(planned(&format!("{FILES}\ngoal adopt")), @r"
    refused[M0222]: there is no history of another tool that could be taken over
       = is its table somewhere else? name it: migrate adopt --from TOOL --from-table SCHEMA.TABLE
       = a database that already has what the migrations make: migrate baseline VERSION
    ");
    assert_snapshot!(planned(&format!("{FILES}\n{GOOSE}\ngoal adopt --from flyway")), @r"
    refused[M0222]: there is no history of Flyway
       = is its table called differently? name it: migrate adopt --from TOOL --from-table SCHEMA.TABLE
    ");
    assert_snapshot!(planned(&format!("{FILES}\ngoal adopt --from gose")), @r"
    error[M0407]: there is no tool `gose`
       = did you mean `goose`?
    ");
    let custom = format!("{FILES}\ntheirs versions id version_id is_applied\ntheir 1|1|t\ngoal adopt");
    assert_snapshot!(planned(&format!("{custom} --from goose --from-table versions")), @r"
    1  adopt 1 users                        recorded, nothing runs
    2  adopt R goose's history in versions  recorded, nothing runs
    ");
    assert_snapshot!(planned(&format!("{custom} --from-table versions")), @r"
    error[M0407]: versions: nobody said whose history it is
       = say it: migrate adopt --from TOOL --from-table versions
    ");
    assert_snapshot!(planned(&format!("{custom} --from goose --from-table other")), @r"
    refused[M0222]: there is no table other for the history of goose
       = name it with its schema: --from-table SCHEMA.TABLE
    ");
}

#[test]
fn code_that_only_the_tool_can_run_must_have_run() {
    let fixture = format!("{FILES}\ncode 3\n{GOOSE}");
    assert_snapshot!(planned(&format!("{fixture}\ngoal adopt --from goose")), @r"
    refused[M0223]: 3 owners: only goose can run what is code, and it has not
      --> m/3_owners.up.sql
       = let goose run it first, then: migrate adopt
    ");
    assert_snapshot!(planned(&format!("{fixture}\ntheir 4|3|t\ngoal adopt --from goose")), @r"
    1  adopt 1 users                                recorded, nothing runs
    2  adopt 2 pets                                 recorded, nothing runs
    3  adopt 3 owners                               recorded, nothing runs
    4  adopt R goose's history in goose_db_version  recorded, nothing runs
    ");
}
