//! Statements per engine, problems with their places, and properties that hold for any text.

use proptest::prelude::*;

use super::{Split, split};
use crate::source::Source;
use crate::sql::Syntax;

/// A name, how many statements, the text.
type Case = (&'static str, usize, &'static str);

#[track_caller]
fn check_counts(syntax: &Syntax, cases: &[Case]) {
    for (name, count, text) in cases {
        let Split { pieces, problems } = split(&Source::new("x.sql", *text), syntax);
        let texts: Vec<_> = pieces.iter().map(|piece| &text[piece.text.clone()]).collect();
        assert_eq!((texts.len(), &problems[..]), (*count, &[][..]), "{name}: {texts:#?}");
    }
}

/// The exact statements of a text without problems.
#[track_caller]
fn check(syntax: &Syntax, text: &str, expected: &[&str]) {
    let Split { pieces, problems } = split(&Source::new("x.sql", text), syntax);
    let texts: Vec<_> = pieces.iter().map(|piece| &text[piece.text.clone()]).collect();
    assert_eq!((&texts[..], &problems[..]), (expected, &[][..]), "{text:?}");
}

/// `line:column message` of each problem, and how many statements are left.
#[track_caller]
fn check_problems(syntax: &Syntax, text: &str, statements: usize, expected: &[&str]) {
    let source = Source::new("x.sql", text);
    let Split { pieces, problems } = split(&source, syntax);
    let shown: Vec<_> =
        problems.iter().map(|problem| format!("{} {}", source.position(problem.at.start), problem.message)).collect();
    assert_eq!(shown, expected, "{text:?}");
    assert_eq!(pieces.len(), statements, "{text:?}: {pieces:?}");
    assert!(problems.iter().all(|problem| text.get(problem.at.clone()).is_some() && problem.help.is_some()));
}

#[test]
fn every_engine_has_its_statements() {
    check_counts(&Syntax::POSTGRES, POSTGRES);
    check_counts(&Syntax::MYSQL, MYSQL);
    check_counts(&Syntax::SQLITE, SQLITE);
    let no_escapes = Syntax { backslash_escapes: false, ..Syntax::MYSQL };
    check_counts(&no_escapes, &[("no backslash escapes", 2, "SELECT 'a\\'; SELECT 2")]);
}

#[test]
fn what_is_marked_is_one_statement_unless_it_plainly_is_several() {
    let begin = "-- migrate:statement begin";
    let end = "-- migrate:statement end";
    let marked = |text: &str| format!("select 1;\n{begin}\n{text}\n  {end}\nselect 2");
    for (syntax, text, expected) in [
        (Syntax::MYSQL, "create procedure p() begin select 1; end;", &["create procedure p() begin select 1; end"][..]),
        (Syntax::POSTGRES, "do $$ begin x; end $$;", &["do $$ begin x; end $$"]),
        (Syntax::POSTGRES, "one; two;", &["one; two"]),
        (Syntax::POSTGRES, "a 'never closed;\n", &["a 'never closed"]),
        (
            Syntax::POSTGRES,
            "-- c\ncreate table a (n int);\ncreate index on a (n);",
            &["create table a (n int)", "create index on a (n)"],
        ),
        (Syntax::SQLITE, "insert into a values (1); delete from b", &["insert into a values (1)", "delete from b"]),
        (Syntax::SQLITE, "insert into a values (1); end loop", &["insert into a values (1); end loop"]),
        (Syntax::MYSQL, "create trigger t; select 1; end", &["create trigger t; select 1; end"]),
        (Syntax::MYSQL, "drop trigger t; drop table a;", &["drop trigger t", "drop table a"]),
        (
            Syntax::SQLITE,
            "create table a (n int);\ncreate trigger t after insert on a begin select 1; end;",
            &["create table a (n int)", "create trigger t after insert on a begin select 1; end"],
        ),
        (Syntax::MYSQL, "-- nothing", &[]),
        (Syntax::MYSQL, "", &[]),
    ] {
        let text = marked(text);
        let expected: Vec<_> = ["select 1"].iter().chain(expected).chain(&["select 2"]).copied().collect();
        check(&syntax, &text, &expected);
        check(
            &syntax,
            &text.replace('\n', "\r\n"),
            &expected
                .iter()
                .map(|one| one.replace('\n', "\r\n"))
                .collect::<Vec<_>>()
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
        );
    }
    check(&Syntax::POSTGRES, &format!("select '{begin}'"), &[&format!("select '{begin}'")]);
    check_problems(
        &Syntax::POSTGRES,
        &format!("select 1;\n{begin}\nselect 2"),
        1,
        &["2:1 the statement that begins here is never ended"],
    );
    check_problems(
        &Syntax::POSTGRES,
        &format!("select 1;\n{end}\nselect 2"),
        2,
        &["2:1 no marked statement is open here"],
    );
    check_problems(
        &Syntax::POSTGRES,
        &format!("select 1\n{begin}\n+ 2;"),
        1,
        &["2:1 a marked statement begins amid another one"],
    );
}

#[test]
fn a_span_reaches_from_the_first_to_the_last_significant_token() {
    for syntax in [Syntax::POSTGRES, Syntax::MYSQL, Syntax::SQLITE] {
        let check = |text, expected: &[&str]| check(&syntax, text, expected);
        check("", &[]);
        check(" \r\n-- only\r\n/* comments */\r\n", &[]);
        check("\u{feff}", &[]);
        check("\u{feff}select 1;\r\n\r\nselect\r\n2 -- two\r\n;\r\n", &["select 1", "select\r\n2"]);
        check("/* a */ select /* b */ 1 /* c */ ; -- d", &["select /* b */ 1"]);
        check("select 1; select 2", &["select 1", "select 2"]);
        check("/*+ Hint */ select 1 /*+ x */;/*+ alone */", &["/*+ Hint */ select 1 /*+ x */"]);
        check("select 'ä;ö', \"ü;\";select 2", &["select 'ä;ö', \"ü;\"", "select 2"]);
    }
    check(&Syntax::MYSQL, "/*!40101 SET NAMES utf8 */;", &["/*!40101 SET NAMES utf8 */"]);
    check(&Syntax::MYSQL, "/*! */;select 1 /*!99998 + 1 */ -- x", &["select 1 /*!99998 + 1 */"]);
}

#[test]
fn offsets_of_a_part_count_in_the_whole_file() {
    let file = Source::new("x.sql", "select 1; -- down\nselect 2; select 'x");
    let Split { pieces, problems } = split(&file.part(18..37), &Syntax::POSTGRES);
    let texts: Vec<_> = pieces.iter().map(|piece| &file.file()[piece.text.clone()]).collect();
    assert_eq!(texts, ["select 2", "select 'x"]);
    assert_eq!(problems[0].at, 35..36);
}

#[test]
fn copy_data_belongs_to_its_statement() {
    let check = |text: &str, expected: &[(&str, Option<&str>)]| {
        let Split { pieces, problems } = split(&Source::new("x.sql", text), &Syntax::POSTGRES);
        let found: Vec<_> = pieces
            .iter()
            .map(|piece| (&text[piece.text.clone()], piece.data.clone().map(|data| &text[data])))
            .collect();
        assert_eq!((&found[..], &problems[..]), (expected, &[][..]), "{text:?}");
    };
    check("copy t from stdin;\n1\t'\n\\.\nselect 1", &[("copy t from stdin", Some("1\t'\n")), ("select 1", None)]);
    check(
        "COPY s.\"t\" (a, \"from\") FROM STDIN WITH (FORMAT csv); -- x\r\n1,2\r\n\\.\r\n;select 1;",
        &[("COPY s.\"t\" (a, \"from\") FROM STDIN WITH (FORMAT csv)", Some("1,2\r\n")), ("select 1", None)],
    );
    check("copy t from stdin;\n\\.", &[("copy t from stdin", Some(""))]);
    check("copy t from stdin;\n\\.x\n\\\\.\n\\.", &[("copy t from stdin", Some("\\.x\n\\\\.\n"))]);
    check(
        "copy t to stdout; copy t from 'stdin'; copy (select a from stdin) to 'f';",
        &[("copy t to stdout", None), ("copy t from 'stdin'", None), ("copy (select a from stdin) to 'f'", None)],
    );
    check(
        "copy stdin.from from program 'x'; select 1 from stdin;",
        &[("copy stdin.from from program 'x'", None), ("select 1 from stdin", None)],
    );
}

#[test]
fn bodies_stay_whole_whatever_their_columns_are_called() {
    let mysql = |text| check(&Syntax::MYSQL, &format!("{text}; SELECT 2"), &[text, "SELECT 2"]);
    for text in [
        "CREATE DEFINER=`a`@`%` PROCEDURE p() BEGIN SELECT 1; END",
        "CREATE OR REPLACE DEFINER = root@localhost PROCEDURE s.p (IN a INT) COMMENT 'x;' BEGIN SELECT 1; END",
        "CREATE DEFINER=CURRENT_USER() EVENT IF NOT EXISTS e ON SCHEDULE EVERY 1 DAY DO BEGIN SELECT 1; END",
        "CREATE PROCEDURE IF NOT EXISTS p() BEGIN SELECT begin, end FROM t; SELECT t.end, `case` FROM t; END",
        "CREATE PROCEDURE p() BEGIN SELECT CASE WHEN end > 1 THEN end ELSE begin END AS x; UPDATE t SET end = 1; END",
        "CREATE FUNCTION f(a INT) RETURNS VARCHAR(10) CHARSET utf8 DETERMINISTIC RETURN IF(a, REPEAT('x', 2), CASE a WHEN 1 THEN 2 END)",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "CREATE FUNCTION f RETURNS STRING SONAME 'f.so'",
        "CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW IF NEW.a THEN SET NEW.b = 1; END IF",
        "CREATE TRIGGER t BEFORE INSERT ON begin FOR EACH ROW FOLLOWS begin SET NEW.a = 1",
        "CREATE TRIGGER IF NOT EXISTS t BEFORE INSERT ON x FOR EACH ROW l: BEGIN LEAVE l; END l",
        "CREATE PROCEDURE p() l: LOOP LEAVE l; END LOOP l",
        "CREATE PROCEDURE p() REPEAT SET @a = @a + 1; UNTIL @a > CASE 1 WHEN 1 THEN 2 END END REPEAT",
        "CREATE PROCEDURE p() WHILE (@a < 1) DO IF (@a) THEN SET @a = 1; ELSEIF @b THEN BEGIN END; ELSE SET @a = 2; END IF; END WHILE",
        "CREATE PROCEDURE p() BEGIN IF a THEN SELECT 1; ELSE IF b THEN SELECT 2; END IF; END IF; END",
        "CREATE PROCEDURE p() BEGIN DROP TABLE IF EXISTS t; CREATE TABLE IF NOT EXISTS t (a int); INSERT INTO t SELECT REPEAT('x', 3); END",
        "CREATE PROCEDURE p() BEGIN DECLARE CONTINUE HANDLER FOR NOT FOUND SET a = IF(b, 1, 2); DECLARE EXIT HANDLER FOR SQLSTATE '42000', SQLWARNING BEGIN ROLLBACK; END; SELECT 1; END",
        "CREATE PROCEDURE p() BEGIN DECLARE c CURSOR FOR SELECT CASE 1 WHEN 1 THEN 2 END FROM t; DECLARE EXIT HANDLER FOR 1062 IF a THEN SELECT 1; END IF; OPEN c; END",
        "CREATE PROCEDURE p() BEGIN CASE WHEN a THEN SELECT 1; WHEN b THEN BEGIN SELECT 2; END; ELSE SELECT CASE 1 WHEN 1 THEN 2 END; END CASE; END",
        "CREATE PROCEDURE p() BEGIN FOR i IN 1..10 DO SELECT i; END FOR; END",
        "BEGIN NOT ATOMIC DECLARE a INT; IF a THEN SELECT 1; END IF; END",
        "IF @a THEN SELECT 1; ELSE SELECT 2; END IF",
        "/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50003 TRIGGER t BEFORE INSERT ON x FOR EACH ROW BEGIN SET NEW.a=1; END */",
        "/*!50003 CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET NEW.a=1; */",
        "ALTER EVENT e DO BEGIN SELECT 1; END",
        "ALTER TABLE t ADD begin INT, ADD end INT",
        "BEGIN",
        "BEGIN WORK",
        "SELECT `begin`, end FROM t",
        "CREATE TABLE `event` (begin int, end int, trigger_at int)",
    ] {
        mysql(text);
    }
    let postgres = |text| check(&Syntax::POSTGRES, &format!("{text}; SELECT 2"), &[text, "SELECT 2"]);
    for text in [
        "CREATE OR REPLACE FUNCTION f(begin int, \"end\" int) RETURNS int BEGIN ATOMIC SELECT 1 AS end; SELECT t.end FROM t; END",
        "CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS 'select 1;'",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1",
        "CREATE OR REPLACE RULE r AS ON UPDATE TO t DO INSTEAD (SELECT (1); DELETE FROM a)",
        "CREATE TABLE t (a int CHECK (a > 1",
        "CREATE TABLE \"create\" (\"begin atomic\" int)",
        "SELECT CASE WHEN true THEN 1 END",
        "END",
    ] {
        postgres(text);
    }
    let sqlite = |text| check(&Syntax::SQLITE, &format!("{text}; SELECT 2"), &[text, "SELECT 2"]);
    for text in [
        "CREATE TEMPORARY TRIGGER t AFTER UPDATE OF a ON x BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; END",
        "EXPLAIN QUERY PLAN CREATE TRIGGER t AFTER INSERT ON x BEGIN SELECT 1; END",
        "CREATE TRIGGER t AFTER INSERT ON x BEGIN SELECT 1 AS [end]; /* ; */ END",
        "CREATE TABLE trigger_log (a, begin, x)",
        "END",
    ] {
        sqlite(text);
    }
}

#[test]
fn delimiter_lines_are_followed() {
    let check = |text, expected: &[&str]| check(&Syntax::MYSQL, text, expected);
    check(
        "delimiter $$\r\ncreate procedure p() begin end$$\r\n  Delimiter ;\r\nselect 1;",
        &["create procedure p() begin end", "select 1"],
    );
    check("DELIMITER ;;\nselect 1; select 2;;;\nDELIMITER ;\nselect 3", &["select 1; select 2", ";", "select 3"]);
    check("DELIMITER 'go'\nselect 1 go select 2go", &["select 1", "select 2"]);
    check("DELIMITER //\nselect 1 /* // */, '//'\n//\n", &["select 1 /* // */, '//'"]);
    check("DELIMITER //\nselect 1\nDELIMITER ;\nselect 2;", &["select 1", "select 2"]);
    check(
        "create table t (\n  delimiter varchar(5),\n  b int\n);",
        &["create table t (\n  delimiter varchar(5),\n  b int\n)"],
    );
    check("select 1 as\ndelimiter , 2;", &["select 1 as\ndelimiter , 2"]);
    check("select delimiter // from t;", &["select delimiter // from t"]);
    check("DELIMITER §\nselect 'ä' ä§select 2", &["select 'ä' ä", "select 2"]);
}

#[test]
fn what_is_open_at_the_end_is_reported_where_it_opened() {
    let postgres = |text, expected: &str| check_problems(&Syntax::POSTGRES, text, 1, &[expected]);
    postgres("select\n 'a; select 2;", "2:2 this string is never closed");
    postgres("select E'a\\'; select 2;", "1:8 this string is never closed");
    postgres("do $x$ begin; $$; end $X$", "1:4 the string that opens with `$x$` is never closed");
    postgres("select \"a; select 2;", "1:8 this quoted name is never closed");
    postgres("select 1 /* a /* b */", "1:10 this comment is never closed");
    postgres("create rule r as on insert to t do (select 1; select 2;", "1:36 this `(` is never closed");
    postgres(
        "create function f() returns int begin atomic select 1; select 2;",
        "1:33 this `BEGIN ATOMIC` has no `END`",
    );
    let mysql = |text, expected: &str| check_problems(&Syntax::MYSQL, text, 1, &[expected]);
    mysql("select `a; select 2", "1:8 this quoted name is never closed");
    mysql("/*!40101 select 1; select 2", "1:1 this executable comment is never closed");
    mysql("create procedure p() begin if a then select 1; end if; select 2;", "1:22 this `BEGIN` has no `END`");
    mysql("create procedure p() begin if a then select 1; select 2;", "1:28 this `IF` has no `END IF`");
    let sqlite = |text, expected: &str| check_problems(&Syntax::SQLITE, text, 1, &[expected]);
    sqlite("select [a; select 2", "1:8 this quoted name is never closed");
    sqlite("select 'a; select 2", "1:8 this string is never closed");
    sqlite(
        "create trigger t after insert on x begin select 1; select 2;",
        "1:8 this trigger does not end before the text does",
    );
    check(
        &Syntax::SQLITE,
        "create trigger t after insert on x begin select 1; end",
        &["create trigger t after insert on x begin select 1; end"],
    );
}

#[test]
fn commands_for_a_client_are_reported_and_harmless_ones_ignored() {
    check(
        &Syntax::POSTGRES,
        "\\restrict abc\n\\set ON_ERROR_STOP on\n\\echo 'it''s; \nselect 1;\n\\unrestrict abc\n",
        &["select 1"],
    );
    let postgres = |text, statements, expected: &[&str]| check_problems(&Syntax::POSTGRES, text, statements, expected);
    postgres("\\connect foo\nSELECT 1;", 1, &["1:1 `\\connect` is a command for psql, not for the server"]);
    postgres(
        "\\i a.sql\n\\! ls 'x\n\\copy t from 'f'\nselect 1",
        1,
        &[
            "1:1 `\\i` is a command for psql, not for the server",
            "2:1 `\\!` is a command for psql, not for the server",
            "3:1 `\\copy` is a command for psql, not for the server",
        ],
    );
    postgres("select 1 \\gexec\nselect 2;", 2, &["1:10 `\\gexec` is a command for psql, not for the server"]);
    postgres("select 1\\; select 2;", 1, &["1:9 `\\;` is a command for psql, not for the server"]);
    postgres(
        "\\set x 1\n\\",
        0,
        &[
            "1:1 `\\set` is a command for psql, not for the server",
            "2:1 `\\` is a command for psql, not for the server",
        ],
    );
    postgres("copy t from stdin;\n1\nselect 1;", 1, &["1:1 the data of this `COPY … FROM STDIN` does not end"]);
    postgres("copy t from stdin; select 1;\n\\.\nselect 1;", 2, &["1:19 text on the line of a `COPY … FROM STDIN`"]);
    postgres("\\.", 0, &["1:1 `\\.` is a command for psql, not for the server"]);
    let mysql = |text, statements, expected: &[&str]| check_problems(&Syntax::MYSQL, text, statements, expected);
    mysql("source it's.sql;\nselect 1;", 1, &["1:1 `source` is a command for the mysql client, not for the server"]);
    mysql("\\. f.sql", 1, &["1:1 `\\.` is a command for the mysql client, not for the server"]);
    mysql("select 1\\G", 1, &["1:9 `\\G` is a command for the mysql client, not for the server"]);
    mysql("DELIMITER\nselect 1;", 1, &["1:1 `DELIMITER`: it must be followed by what ends a statement from here on"]);
    check(
        &Syntax::MYSQL,
        "use db; insert into t values (\\N); help 'x'",
        &["use db", "insert into t values (\\N)", "help 'x'"],
    );
    let sqlite = |text, statements, expected: &[&str]| check_problems(&Syntax::SQLITE, text, statements, expected);
    sqlite(".read it's.sql\nselect a\n.b;", 1, &["1:1 `.read` is a command for the sqlite3 shell, not SQL"]);
}

#[test]
fn nul_characters_are_refused_where_a_server_would_stop_at_them() {
    let message = "1:8 a NUL character: servers take it for the end of the text";
    check_problems(&Syntax::POSTGRES, "select \0;", 1, &[message]);
    check_problems(
        &Syntax::SQLITE,
        "select '\0'",
        1,
        &["1:9 a NUL character: servers take it for the end of the text"],
    );
    check_problems(&Syntax::MYSQL, "select \0;", 1, &[message]);
    check(&Syntax::MYSQL, "select '\0'", &["select '\0'"]);
}

#[test]
fn time_grows_with_the_length_of_the_text_only() {
    for syntax in [Syntax::POSTGRES, Syntax::MYSQL, Syntax::SQLITE] {
        for fragment in [
            "begin ",
            "case ",
            "(",
            "create trigger t for each row begin ",
            "delimiter x\n",
            "\n delimiter",
            ";end;",
            "copy t from stdin;\n",
            "\\",
            ".read\n",
            "/*!",
            "$a$",
            "if ",
            "l:",
            "-",
            "create procedure p() case ",
        ] {
            let text = fragment.repeat(200_000 / fragment.len());
            split(&Source::new("x.sql", text), &syntax);
        }
    }
}

const POSTGRES: &[Case] = &[
    ("dollar", 2, "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$; SELECT 2;"),
    ("dollar nested", 2, "DO $a$ BEGIN EXECUTE $b$ select 1; $b$; EXECUTE $$ select 2; $$; END $a$; SELECT 2"),
    ("dollar unicode tag", 2, "SELECT $тег$ a;b $тег$; SELECT 2"),
    ("ident with dollar", 2, "CREATE TABLE a$x$ (i int); CREATE TABLE b$x$ (i int);"),
    ("param", 2, "PREPARE p AS SELECT $1; EXECUTE p(1)"),
    ("nested comment", 2, "/* a /* b; */ ; */ SELECT 1; SELECT 2"),
    ("estring", 2, "SELECT E'it\\'s; x'; SELECT 2"),
    ("std backslash", 2, "SELECT 'a\\'; SELECT 2"),
    ("doubled", 2, "SELECT 'a'';b'; SELECT 2"),
    ("uescape", 2, "SELECT U&'d!0061t;' UESCAPE '!'; SELECT 2"),
    ("ident", 2, "SELECT 1 AS \"a;b\"; SELECT 2"),
    ("string cont", 2, "SELECT 'a'\n'b;'; SELECT 2"),
    ("line comment end", 1, "SELECT 1 -- x;"),
    ("op comment", 2, "SELECT 2 */*c;*/ 3; SELECT 3"),
    ("op dashdash", 2, "SELECT 1 +-- c;\n 1; SELECT 2"),
    ("empties", 1, ";;SELECT 1;;"),
    (
        "begin atomic",
        2,
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT a; SELECT a + 1; END; SELECT 2;",
    ),
    (
        "begin atomic case",
        2,
        "CREATE PROCEDURE p() BEGIN ATOMIC INSERT INTO t VALUES (CASE WHEN true THEN 1 ELSE 2 END); SELECT 1; END; SELECT 2",
    ),
    (
        "rule",
        2,
        "CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO a VALUES (1); INSERT INTO b VALUES (2)); SELECT 1;",
    ),
    ("tx", 3, "BEGIN; SELECT 1; END;"),
    ("create schema", 2, "CREATE SCHEMA s CREATE TABLE t (a int) CREATE VIEW v AS SELECT 1; SELECT 2"),
    ("do block", 2, "DO LANGUAGE plpgsql $do$ BEGIN IF true THEN RAISE NOTICE 'x;'; END IF; END $do$; SELECT 1"),
    ("copy stdin", 2, "COPY t (a,b) FROM stdin;\n1\ta;b\n2\tit's\n\\.\n\nSELECT 1;"),
    (
        "pg18 virtual",
        2,
        "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a*2) VIRTUAL); ALTER TABLE t ADD CONSTRAINT nn NOT NULL a NOT VALID",
    ),
    (
        "pg17 merge",
        1,
        "MERGE INTO t USING s ON t.a=s.a WHEN NOT MATCHED BY SOURCE THEN DELETE RETURNING merge_action(), t.*",
    ),
    (
        "alter many",
        4,
        "ALTER TABLE ONLY public.t ALTER COLUMN a SET STATISTICS 100, ADD COLUMN IF NOT EXISTS z numeric(10,2) DEFAULT 0 NOT NULL; CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t USING gin (a jsonb_path_ops) WITH (fastupdate=off) WHERE z > 0; ALTER TYPE e ADD VALUE IF NOT EXISTS 'x' BEFORE 'y'; ALTER TABLE t ATTACH PARTITION p FOR VALUES FROM ('2024-01-01') TO (MAXVALUE)",
    ),
    (
        "admin",
        5,
        "COMMENT ON TABLE t IS 'x;y'; GRANT SELECT ON ALL TABLES IN SCHEMA s TO r; ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO r; CREATE POLICY p ON t USING (a = current_user); CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA s CASCADE",
    ),
    (
        "objects",
        6,
        "CREATE OPERATOR === (LEFTARG = box, RIGHTARG = box, FUNCTION = area_equal); CREATE AGGREGATE a (int) (SFUNC = int4pl, STYPE = int); CREATE CAST (bigint AS int4) WITH FUNCTION int4(bigint); CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION f(); CREATE TEXT SEARCH CONFIGURATION c (COPY = english); CREATE STATISTICS s (dependencies) ON a,b FROM t",
    ),
];

const MYSQL: &[Case] = &[
    ("delimiter", 2, "DELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END//\nDELIMITER ;\nSELECT 1;"),
    (
        "compound no delim",
        2,
        "CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW BEGIN SET NEW.a=1; IF NEW.b IS NULL THEN SET NEW.b=2; END IF; END; SELECT 1;",
    ),
    (
        "versioned",
        3,
        "/*!40101 SET NAMES utf8 */;\n/*!50003 CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET NEW.a=1 */;\nSELECT 1;",
    ),
    ("versioned inner", 1, "CREATE TABLE t (a int) /*!50100 PARTITION BY HASH (a) PARTITIONS 4 */;"),
    ("backslash", 2, "SELECT 'it\\'s; x'; SELECT 2"),
    ("dq string", 2, "SELECT \"a;\\\"b\"; SELECT 2"),
    ("hash comment", 1, "# comment; x'\nSELECT 1;"),
    ("dashdash nospace", 2, "SELECT 5--1; SELECT 2"),
    ("backtick", 2, "SELECT `a;``b` FROM t; SELECT 2"),
    ("no nested comment", 2, "/* a /* b */ SELECT 1; SELECT 2"),
    ("introducer", 2, "SELECT _utf8mb4'a;b' COLLATE utf8mb4_bin, X'4D', b'1'; SELECT 2"),
    (
        "load data",
        2,
        "LOAD DATA LOCAL INFILE 'f' INTO TABLE t FIELDS TERMINATED BY ';' ENCLOSED BY '\"' LINES TERMINATED BY '\\n' IGNORE 1 LINES; SELECT 2",
    ),
    (
        "ddl",
        4,
        "ALTER TABLE t ADD COLUMN c VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci GENERATED ALWAYS AS (JSON_UNQUOTE(JSON_EXTRACT(j,'$.a'))) STORED AFTER b, ALGORITHM=INPLACE, LOCK=NONE; CREATE TABLE x (id bigint unsigned NOT NULL AUTO_INCREMENT, ts timestamp DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, PRIMARY KEY (id), KEY k ((lower(a))), FULLTEXT KEY ft (b)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC; RENAME TABLE a TO b, c TO d; ALTER TABLE t RENAME INDEX a TO b, DROP CHECK ck",
    ),
    ("event", 2, "CREATE EVENT e ON SCHEDULE EVERY 1 HOUR DO UPDATE t SET a=1; SELECT 1"),
    (
        "if loop",
        2,
        "CREATE FUNCTION f() RETURNS INT DETERMINISTIC BEGIN DECLARE i INT DEFAULT 0; l: LOOP SET i=i+1; IF i>3 THEN LEAVE l; END IF; CASE i WHEN 1 THEN SET i=2; ELSE BEGIN END; END CASE; END LOOP l; RETURN i; END; SELECT 2",
    ),
];

const SQLITE: &[Case] = &[
    (
        "trigger case",
        4,
        "CREATE TABLE t(a,b); CREATE TRIGGER tr AFTER INSERT ON t BEGIN UPDATE t SET b = CASE WHEN new.a > 1 THEN 'x;' ELSE 'y' END; SELECT 1; END; INSERT INTO t VALUES(1,2); SELECT 2;",
    ),
    (
        "temp trigger",
        3,
        "CREATE TABLE t(a,b); CREATE TEMP TRIGGER IF NOT EXISTS tr AFTER INSERT ON t WHEN new.a > 0 BEGIN DELETE FROM t; END; SELECT 2;",
    ),
    (
        "explain trigger",
        3,
        "CREATE TABLE t(a,b); EXPLAIN CREATE TRIGGER tr AFTER INSERT ON t BEGIN DELETE FROM t; END; SELECT 2;",
    ),
    ("col end", 2, "CREATE TABLE t(a, \"end\" text); SELECT \"end\" FROM t;"),
    (
        "trigger end name",
        3,
        "CREATE TABLE t(a); CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1 AS \"end\"; SELECT 2 AS [end;]; END; SELECT 3;",
    ),
    ("brackets", 2, "SELECT 1 AS [a;b]; SELECT 2 AS `x;y`"),
    ("backslash", 2, "SELECT 'a\\'; SELECT 2"),
    ("comment", 2, "SELECT 1; /* ; */ -- ;\nSELECT 2 /* unterminated ;"),
    ("no nested comment", 2, "/* a /* b */ SELECT 1; SELECT 2;"),
    ("tx", 3, "BEGIN; SELECT 1; END;"),
    ("blob", 2, "SELECT x'3b'; SELECT 2"),
    (
        "strict",
        2,
        "CREATE TABLE t(a INT NOT NULL, b ANY, PRIMARY KEY(a)) STRICT, WITHOUT ROWID; ALTER TABLE t RENAME COLUMN b TO c;",
    ),
    ("virtual", 2, "CREATE VIRTUAL TABLE f USING fts5(a, tokenize = 'porter ascii'); SELECT 1"),
    ("empties", 1, ";;SELECT 1;;"),
];
/// Fragments that make scripts without problems, each a statement of every engine.
const FRAGMENTS: &[&str] = &[
    "select 1",
    "select 'a;''b'",
    "select \"a;\" , 1",
    "/* ; */ select 2 -- ;\n , 3",
    "insert into t values (1, ';')",
    "create table t (a int, b text default ';')",
    "begin",
    "end",
    "commit",
    "select case when a then b end",
    "ä + ö",
];

fn syntaxes() -> impl Strategy<Value = Syntax> {
    prop_oneof![Just(Syntax::POSTGRES), Just(Syntax::MYSQL), Just(Syntax::SQLITE)]
}

/// Text that stumbles over quotes, comments and keywords much more often than random characters do.
fn sqlish() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        8 => prop::sample::select(&[
            " ", "\n", "\r\n", ";", "'", "\"", "`", "[", "]", "(", ")", "$$", "$a$", "/*", "*/", "/*!50003 ", "--", "#",
            "\\", "\\.\n", ".", ":", "begin", "end", "case", "if", "atomic", "create", "trigger", "procedure", "row",
            "delimiter //\n", "//", "copy t from stdin;\n", "E'", "select", "\0", "\u{feff}", "1e", "rule", "do",
        ][..]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_splits_into_ordered_disjoint_pieces(text in sqlish(), syntax in syntaxes()) {
        let Split { pieces, problems } = split(&Source::new("x.sql", text.as_str()), &syntax);
        let mut end = 0;
        for piece in pieces {
            for range in std::iter::once(piece.text).chain(piece.data) {
                prop_assert!(range.start >= end && range.end >= range.start);
                prop_assert!(text.get(range.clone()).is_some());
                end = range.end;
            }
        }
        for problem in problems {
            prop_assert!(text.get(problem.at).is_some());
        }
    }

    #[test]
    fn a_piece_is_one_statement_and_pieces_joined_are_as_many(
        fragments in prop::collection::vec(prop::sample::select(FRAGMENTS), 0..12),
        syntax in syntaxes(),
    ) {
        let text = fragments.join(";\n");
        let first = split(&Source::new("x.sql", text.as_str()), &syntax);
        prop_assert_eq!(&first.problems, &[]);
        prop_assert_eq!(first.pieces.len(), fragments.len());
        let texts: Vec<_> = first.pieces.iter().map(|piece| &text[piece.text.clone()]).collect();
        for piece in &texts {
            let again = split(&Source::new("x.sql", *piece), &syntax);
            prop_assert_eq!(again.pieces.len(), 1);
            prop_assert_eq!(again.pieces[0].text.clone(), 0..piece.len());
        }
        let joined = split(&Source::new("x.sql", texts.join(";\n")), &syntax);
        prop_assert_eq!(joined.pieces.len(), texts.len());
    }
}

#[test]
fn where_nothing_has_a_body_every_semicolon_ends_a_statement() {
    let text = "create trigger t begin; x 'a;b' -- ;\n/* ; */ \"c;d\"; end";
    check(&Syntax::STANDARD, text, &["create trigger t begin", "x 'a;b' -- ;\n/* ; */ \"c;d\"", "end"]);
}
