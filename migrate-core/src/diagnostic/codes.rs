//! Every code there is. A code never changes its meaning and is never used again.

use super::Code;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        $($(#[$doc])* pub const $name: Code = Code($code);)*
        /// All of them, in order.
        pub const ALL: &[Code] = &[$($name),*];
    };
}

codes! {
    /// A file name is close to the layout's grammar but not in it.
    NEAR_MISS_NAME = "M0001";
    /// Two files claim the same identity.
    DUPLICATE = "M0002";
    /// A `down` without its `up`.
    DANGLING_DOWN = "M0003";
    /// A file or folder could not be read.
    UNREADABLE = "M0004";
    /// A file is not UTF-8.
    NOT_UTF8 = "M0005";
    /// A folder holds no migration.
    EMPTY_FOLDER = "M0006";
    /// A directive is unknown or has a bad value.
    BAD_DIRECTIVE = "M0007";
    /// The manifest is not what it should be.
    BAD_MANIFEST = "M0008";
    /// A script cannot be split: something is open at its end, or only a native client could run it.
    BAD_SCRIPT = "M0009";
    /// A version suffix that people read as "before the release".
    PRERELEASE_SUFFIX = "M0010";
    /// A file has no statement.
    NO_STATEMENT = "M0011";
    /// A new file sorts below one that was there before (`validate --since`).
    SORTS_BELOW = "M0012";
    /// A released file was edited (`validate --since`).
    EDITED_RELEASED = "M0013";
    /// A migration has no `down` where one is required (`validate --require-down`).
    NO_DOWN = "M0014";
    /// A migration has files for other engines only.
    OTHER_ENGINE = "M0015";
    /// A released migration is gone (`validate --since`).
    REMOVED_RELEASED = "M0016";
    /// A folder inside the migrations' folder holds files that look like migrations.
    SUBFOLDER = "M0017";
    /// Nobody can tell which layout a folder has.
    UNDECIDED_LAYOUT = "M0018";
    /// What another tool keeps beside its files says something else than the files.
    FOREIGN_FILE = "M0019";
    /// Files of a tool whose migrations cannot be read.
    FOREIGN_LAYOUT = "M0020";
    /// A placeholder has no value.
    UNKNOWN_PLACEHOLDER = "M0021";
    /// A callback or hook that is not carried out.
    CALLBACK = "M0022";

    /// An applied migration was changed in more than white space and comments.
    CHANGED = "M0110";
    /// An applied migration was changed in white space or comments only.
    REFORMATTED = "M0111";
    /// A file's `down` is not the stored one.
    DOWN_DIFFERS = "M0112";

    /// A pending migration sorts below an applied one.
    OUT_OF_ORDER = "M0201";
    /// A script is open and blocks everything else.
    OPEN = "M0202";
    /// Nobody can say whether a statement ran.
    IN_DOUBT = "M0203";
    /// The part of a script that had run was changed.
    PREFIX_CHANGED = "M0204";
    /// The database has what this set does not know.
    AHEAD = "M0205";
    /// There is no way back.
    NO_WAY_BACK = "M0206";
    /// The database has objects but no history.
    NON_EMPTY = "M0207";
    /// The history belongs to another tool.
    FOREIGN_HISTORY = "M0208";
    /// The database is below what this set can start from, or must stop on the way.
    GATE = "M0209";
    /// A post migration is pending and nobody chose a phase.
    PHASE = "M0210";
    /// A goal names what does not exist.
    UNKNOWN_TARGET = "M0211";
    /// The plan was made for another state of the database.
    STALE_PLAN = "M0212";
    /// The plan's digest is not the one that was asked for.
    WRONG_DIGEST = "M0213";
    /// The history was written by a newer tool.
    NEWER_HISTORY = "M0214";
    /// Applied migrations this set no longer has, below its newest.
    SQUASHED = "M0215";
    /// The history already knows what a command would write.
    ALREADY = "M0216";
    /// A batch directive does not fit its statement.
    BAD_BATCH = "M0217";
    /// A row of the history is missing.
    GAP = "M0218";
    /// A statement needs a session of its own, and a pooler gives none.
    NEEDS_SESSION = "M0219";
    /// The rest of a script needs what ended with the session of an earlier attempt.
    FORGOTTEN = "M0220";
    /// The work of a pending migration is code that only another program can run.
    CODE = "M0221";
    /// Nobody can tell whose history is to be taken over, or there is none.
    FOREIGN_UNDECIDED = "M0222";
    /// Another tool's history cannot be taken over as it stands.
    FOREIGN_UNFINISHED = "M0223";
    /// A file is not what another tool recorded of it.
    FOREIGN_DIFFERS = "M0224";
    /// Another tool went on after its history was taken over.
    FOREIGN_MOVED = "M0225";
    /// Another tool's table cannot hold what is applied.
    NOT_EXPORTED = "M0226";
    /// Another tool's table, which is written along, cannot have it.
    NOT_MIRRORED = "M0227";
    /// A file is not what a snapshot says of it.
    SNAPSHOT_DIFFERS = "M0229";
    /// A component needs another one, and that is not there or would go.
    COMPONENT = "M0230";
    /// There is less after a migration than before it.
    ROWS_LOST = "M0231";

    /// A precondition did not hold.
    PRECONDITION = "M0301";
    /// A statement failed.
    STATEMENT_FAILED = "M0302";
    /// The connection was lost during a statement.
    CONNECTION_LOST = "M0303";
    /// The run was stopped by request.
    STOPPED = "M0304";
    /// The server refused what is not a statement of a migration.
    SERVER = "M0305";
    /// Somebody else holds the lock.
    LOCKED = "M0306";
    /// A lock of the database did not become free in time.
    LOCK_TIMEOUT = "M0307";

    /// No connection.
    NO_CONNECTION = "M0401";
    /// A URL or path of a database is not what it should be.
    BAD_URL = "M0402";
    /// No compiled-in backend knows the URL's scheme.
    NO_BACKEND = "M0403";
    /// There is no such database.
    NO_DATABASE = "M0404";
    /// The project's configuration is not what it should be.
    BAD_CONFIG = "M0405";
    /// A command needs an answer and there is no terminal.
    NEEDS_YES = "M0406";
    /// A command cannot be carried out as it was typed.
    USAGE = "M0407";
    /// A backup or a restore failed.
    BACKUP = "M0408";
}
