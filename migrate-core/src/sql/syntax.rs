//! What the lexer and the splitter must know about an engine: plain data, so that a backend outside this workspace
//! can describe its own.

/// The lexical rules of one engine, in one state of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // each is one independent lexical rule
pub struct Syntax {
    /// `$tag$ … $tag$` strings (PostgreSQL).
    pub dollar_strings: bool,
    /// `/* /* */ */` nests (PostgreSQL).
    pub nested_comments: bool,
    /// `E'…'` strings in which a backslash escapes (PostgreSQL).
    pub escape_strings: bool,
    /// A backslash escapes in every `'…'` (MySQL unless `NO_BACKSLASH_ESCAPES`; PostgreSQL with
    /// `standard_conforming_strings = off`).
    pub backslash_escapes: bool,
    /// `"…"` is a string and not a name (MySQL unless `ANSI_QUOTES`).
    pub double_quoted_strings: bool,
    /// `` `…` `` quotes a name (MySQL, SQLite).
    pub backtick_names: bool,
    /// `[…]` quotes a name (SQLite).
    pub bracket_names: bool,
    /// `#` starts a comment (MySQL).
    pub hash_comments: bool,
    /// `--` starts a comment only before white space or the end of the text (MySQL).
    pub dash_comment_needs_space: bool,
    /// `/*! … */` and `/*M! … */` are executed (MySQL, MariaDB).
    pub executable_comments: bool,
    /// A block comment still open at the end of the text is legal (SQLite).
    pub open_comment_at_end: bool,
    /// `DELIMITER x` lines (the MySQL clients).
    pub delimiter_command: bool,
    /// Lines that start with a backslash between statements (psql).
    pub backslash_commands: bool,
    /// `COPY … FROM STDIN` is followed by data up to a `\.` line (psql).
    pub copy_data: bool,
    /// How a body with `;` inside is recognised.
    pub bodies: Bodies,
}

/// How statements that contain `;` outside quotes end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bodies {
    /// There are none: every `;` outside quotes and comments ends a statement.
    None,
    /// PostgreSQL: `BEGIN ATOMIC … END`, and parentheses (`CREATE RULE … DO (…; …)`).
    Postgres,
    /// MySQL and MariaDB: `BEGIN … END` blocks of routines, triggers and events.
    Mysql,
    /// SQLite: a trigger ends at `; END ;`.
    Sqlite,
}

impl Syntax {
    /// What the SQL standard has and every engine knows: `'…'` strings, `"…"` names, `--` and `/* */` comments. An engine
    /// of one's own begins here and says what it has more.
    pub const STANDARD: Self = Self {
        dollar_strings: false,
        nested_comments: false,
        escape_strings: false,
        backslash_escapes: false,
        double_quoted_strings: false,
        backtick_names: false,
        bracket_names: false,
        hash_comments: false,
        dash_comment_needs_space: false,
        executable_comments: false,
        open_comment_at_end: false,
        delimiter_command: false,
        backslash_commands: false,
        copy_data: false,
        bodies: Bodies::None,
    };

    /// PostgreSQL with `standard_conforming_strings = on`, its default since 9.1.
    pub const POSTGRES: Self = Self {
        dollar_strings: true,
        nested_comments: true,
        escape_strings: true,
        backslash_escapes: false,
        double_quoted_strings: false,
        backtick_names: false,
        bracket_names: false,
        hash_comments: false,
        dash_comment_needs_space: false,
        executable_comments: false,
        open_comment_at_end: false,
        delimiter_command: false,
        backslash_commands: true,
        copy_data: true,
        bodies: Bodies::Postgres,
    };

    /// MySQL and MariaDB with their default `sql_mode`.
    pub const MYSQL: Self = Self {
        dollar_strings: false,
        nested_comments: false,
        escape_strings: false,
        backslash_escapes: true,
        double_quoted_strings: true,
        backtick_names: true,
        bracket_names: false,
        hash_comments: true,
        dash_comment_needs_space: true,
        executable_comments: true,
        open_comment_at_end: false,
        delimiter_command: true,
        backslash_commands: false,
        copy_data: false,
        bodies: Bodies::Mysql,
    };

    /// SQLite.
    pub const SQLITE: Self = Self {
        dollar_strings: false,
        nested_comments: false,
        escape_strings: false,
        backslash_escapes: false,
        double_quoted_strings: false,
        backtick_names: true,
        bracket_names: true,
        hash_comments: false,
        dash_comment_needs_space: false,
        executable_comments: false,
        open_comment_at_end: true,
        delimiter_command: false,
        backslash_commands: false,
        copy_data: false,
        bodies: Bodies::Sqlite,
    };
}
