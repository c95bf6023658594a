//! Why there is no plan: one case for each rule that can say no, with its facts.

use crate::backend::TableName;
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::error::count;
use crate::history::format::unwritten::{NotExported, NotInFlyway};
use crate::history::{Action, Entry, State};
use crate::manifest::Release;
use crate::migration::{MigrationId, Phase};
use crate::version::Version;

use super::adopt::Problem;
use super::adopt::problem::{self, Candidate};
use super::changed::Changed;
use super::code::PendingCode;
use super::gate::noted;
use super::joined::NotJoined;
use super::mirror;
use super::pooled::NeedsSession;
use super::snapshot::InBetween;
use super::{Deployed, DeployedBy};

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// A row of the history is missing.
    Gap {
        /// Its number.
        seq: u64,
    },
    /// The database has objects but no history.
    NonEmpty {
        /// Its name.
        database: String,
        /// Some of its objects.
        objects: Vec<String>,
        /// The newest migration of the set, for the command that records it.
        newest: Option<MigrationId>,
    },
    /// The history belongs to another tool.
    Foreign {
        /// Those that can be taken over.
        found: Vec<Candidate>,
        /// Tables that look like one.
        tables: Vec<String>,
    },
    /// Another tool's history cannot be taken over.
    Adoption(Vec<Problem>),
    /// Another tool cannot have our history.
    NotExported(Vec<NotExported>),
    /// Flyway's table is written along, and cannot have these.
    NotMirrored(Vec<NotInFlyway>),
    /// What this program cannot do, because it was built without the feature `other-tools`.
    WithoutOtherTools(String),
    /// Another tool went on after its history was taken over.
    ForeignMoved {
        /// As people type it.
        tool: &'static str,
        /// As it is called.
        title: &'static str,
        /// Its table.
        table: TableName,
        /// What it did.
        news: Vec<String>,
    },
    /// An attempt is not over and blocks everything else.
    Open {
        /// Its row.
        entry: Box<Entry>,
        /// Whether this set has the migration.
        known: bool,
    },
    /// Nobody can tell whether a statement ran.
    InDoubt {
        /// Which migration.
        id: MigrationId,
        /// As messages name it.
        title: String,
        /// Where the statement is.
        place: Box<Place>,
        /// The statement, from 1.
        statement: usize,
        /// Of how many.
        statements: usize,
        /// Why nobody can tell.
        reason: String,
    },
    /// The part of a script that had run was changed.
    PrefixChanged {
        /// Which migration.
        title: String,
        /// Its file.
        path: String,
        /// How many statements had run.
        cursor: u64,
        /// The text at the time.
        old: Option<String>,
        /// The text now.
        new: String,
    },
    /// Applied migrations were changed.
    Changed(Vec<Changed>),
    /// Pending migrations below an applied one.
    OutOfOrder {
        /// Identity, title and path of each.
        late: Vec<(MigrationId, String, String)>,
        /// What they should have come before.
        newest: String,
        /// That was begun, and is not applied yet.
        begun: bool,
    },
    /// The database has what this set does not know.
    Ahead(Ahead),
    /// A downgrade of a database of which nothing is known.
    NothingKnown {
        /// What is applied.
        applied: Vec<MigrationId>,
    },
    /// A downgrade of more steps than allowed.
    DowngradeLimit {
        /// So many.
        steps: usize,
        /// The most.
        limit: usize,
    },
    /// There is no way back.
    NoWayBack {
        /// Which migration.
        title: String,
        /// Why, where its author said so.
        reason: Option<String>,
        /// Its work is code, which would have the way back.
        code: bool,
        /// Its file.
        path: Option<String>,
    },
    /// The database is below what this set can start from.
    BelowMinimum {
        /// Where it is.
        at: Option<Version>,
        /// Where it must be.
        minimum: Version,
        /// What there is to read about the release to step through.
        about: Release,
    },
    /// The database has some of what a snapshot stands for, and not all, and the files of the rest are gone.
    InBetween(Box<InBetween>),
    /// An upgrade would pass a version at which it must end.
    Stop {
        /// Where the database is.
        at: Option<Version>,
        /// The stops on the way, and where it should end.
        route: Vec<Version>,
        /// Up to where migrations run before that; `None` where none are pending.
        up_to: Option<Version>,
        /// What there is to read about the release of the first stop.
        about: Release,
    },
    /// A migration needs an earlier version first.
    RequiresVersion {
        /// Which migration.
        title: String,
        /// What it needs.
        required: Version,
        /// What there is to read about that release.
        about: Release,
        /// Where the database would be.
        at: Option<Version>,
    },
    /// A post migration is pending and nobody chose a phase.
    PhaseChoice {
        /// Pending before the deploy.
        pre: Vec<String>,
        /// Pending after it.
        post: Vec<String>,
        /// The optional migrations that are part of the set here.
        include: Vec<String>,
    },
    /// A phase would run before one that must come first.
    PhaseOrder {
        /// What was asked for.
        wanted: String,
        /// What must come first.
        first: String,
        /// The release whose turn it is.
        next: Version,
        /// And its phase.
        phase: Phase,
    },
    /// A phase would run before the deploy that it comes after.
    DeployFirst {
        /// What was asked for.
        wanted: String,
        /// What must be deployed before it.
        release: Version,
        /// What there is to read about it.
        about: Release,
        /// The phase that was chosen.
        phase: Phase,
        /// Whether something of that phase comes before the deploy.
        first: bool,
        /// What is deployed, as far as anybody knows.
        known: Option<Deployed>,
    },
    /// A goal names what does not exist.
    UnknownTarget {
        /// What was named.
        target: String,
        /// What there is.
        known: Vec<MigrationId>,
    },
    /// The history already says so.
    Already {
        /// What it says.
        what: String,
        /// What to do instead.
        help: String,
    },
    /// The work of pending migrations is code that only another program can run.
    Code(Vec<PendingCode>),
    /// A pooler that pools transactions stands between us and the server.
    NeedsSession(Vec<NeedsSession>),
    /// The run is inside a transaction of the caller's, and these cannot be.
    NotJoined(Vec<NotJoined>),
    /// A script cannot be split or run as it is written.
    Script(Vec<Diagnostic>),
    /// The plan was made for another state of the database.
    StalePlan {
        /// The last row it was made for.
        after: u64,
        /// The last row now.
        now: u64,
    },
    /// The plan is not the one that was asked for.
    WrongDigest {
        /// Asked for.
        wanted: String,
        /// Found; `None` where nothing is left to do.
        found: Option<String>,
    },
}

/// What a person should read.
impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let said: Vec<String> = self.diagnostics().iter().map(ToString::to_string).collect();
        f.write_str(&said.join("\n"))
    }
}

/// What the database has above everything this set knows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ahead {
    /// Its rows.
    pub entries: Vec<Entry>,
    /// The newest migration of the set.
    pub us: Option<MigrationId>,
    /// Why this release cannot run on it; `None` where policy alone refuses.
    pub because: Option<String>,
    /// The oldest release that can, where something says so.
    pub deploy: Option<Version>,
    /// Whether all of it has a stored way back.
    pub way_back: bool,
    /// What has none and says why: its title, and that.
    pub irreversible: Vec<(String, String)>,
}

impl Refusal {
    #[cfg(not(feature = "other-tools"))]
    pub(super) fn without_other_tools(what: impl Into<String>) -> Self {
        Self::WithoutOtherTools(what.into())
    }

    /// Whether the database is ahead of the set.
    pub fn is_ahead(&self) -> bool {
        matches!(self, Self::Ahead(_) | Self::NothingKnown { .. } | Self::DowngradeLimit { .. })
    }

    /// Whether a person has to say if a statement ran.
    pub fn is_in_doubt(&self) -> bool {
        matches!(self, Self::InDoubt { .. })
    }

    /// What a person should read.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            Self::Changed(changed) => changed.iter().map(Changed::diagnostic).collect(),
            Self::NeedsSession(steps) => steps.iter().map(NeedsSession::diagnostic).collect(),
            Self::NotJoined(steps) => steps.iter().map(NotJoined::diagnostic).collect(),
            Self::Script(diagnostics) => diagnostics.clone(),
            Self::NotExported(problems) => problem::not_exported(problems),
            Self::Adoption(problems) => problems.iter().flat_map(Problem::diagnostics).collect(),
            Self::NotMirrored(problems) => problems.iter().map(mirror::diagnostic).collect(),
            Self::Code(pending) => pending.first().map(|first| first.diagnostic(&pending[1..])).into_iter().collect(),
            one => vec![one.diagnostic()],
        }
    }

    #[allow(clippy::too_many_lines)] // one arm a case, each its own sentence
    fn diagnostic(&self) -> Diagnostic {
        use Diagnostic as D;
        match self {
            Self::Changed(_) | Self::NeedsSession(_) | Self::NotJoined(_) | Self::Script(_) | Self::Code(_) | Self::Adoption(_) | Self::NotExported(_) | Self::NotMirrored(_) => unreachable!("these have diagnostics of their own"),
            Self::Gap { seq } => D::error(codes::GAP, format!("the history has a gap: row {seq} is missing"))
                .help("rows are never deleted by migrate: somebody removed it by hand")
                .help("bring it back from a backup of the history table; see what is left with `migrate history`"),
            Self::NonEmpty { database, objects, newest } => {
                let at = newest.as_ref().and_then(MigrationId::version).map_or("VERSION".to_owned(), ToString::to_string);
                D::refused(
                    codes::NON_EMPTY,
                    format!("{database} is not empty and has no history: it has {}", among_others(objects)),
                )
                .help(format!("if it already has what the migrations make, record that: migrate baseline {at}"))
                .help("or run them all beside what is there: migrate up --on-nonempty run")
            }
            Self::Foreign { found, tables } => problem::not_taken_over(found, tables),
            Self::WithoutOtherTools(what) => problem::without_other_tools(what),
            Self::ForeignMoved { tool, title, table, news } => problem::moved(tool, title, table, news),
            Self::Open { entry, known } => open(entry, *known),
            Self::InDoubt { id, title, place, statement, statements, reason } => D::error(
                codes::IN_DOUBT,
                format!("{title}: nobody can tell whether statement {statement} of {statements} ran: {reason}"),
            )
            .at((**place).clone())
            .help("look at the database, then say which it is; nothing else is in doubt")
            .help(format!("it ran:         migrate resolve {} --statement {statement} --ran", id.typed()))
            .help(format!("it did not run: migrate resolve {} --statement {statement} --not-run", id.typed())),
            Self::PrefixChanged { title, path, cursor, old, new } => {
                let diagnostic = D::error(
                    codes::PREFIX_CHANGED,
                    format!("{title}: the part that has already run was changed ({} had run)", count(as_usize(*cursor), "statement")),
                )
                .at(Place::path(path));
                match old {
                    Some(old) => diagnostic.diff(old, new),
                    None => diagnostic,
                }
                .help("put that part of the file back as it was; only what has not run yet can be changed")
            }
            Self::OutOfOrder { late, newest, begun } => {
                let titles: Vec<_> = late.iter().map(|(_, title, _)| title.clone()).collect();
                let mut diagnostic = D::refused(
                    codes::OUT_OF_ORDER,
                    format!("{} {} not applied, but {newest} {}", titles.join(", "), if late.len() == 1 { "is" } else { "are" }, if *begun { "was begun already" } else { "already is" }),
                );
                if let [(_, _, path), ..] = late.as_slice() {
                    diagnostic = diagnostic.at(Place::path(path));
                }
                let flags: Vec<_> = late.iter().map(|(id, _, _)| format!("--out-of-order {}", id.typed())).collect();
                let (files, they) = if late.len() == 1 { ("the file a version", "it does") } else { ("the files versions", "they do") };
                diagnostic
                    .help(format!("give {files} above {newest}"))
                    .help(format!("or, if {they} not depend on the order: migrate up {}", flags.join(" ")))
            }
            Self::Ahead(ahead) => ahead.diagnostic(),
            Self::NothingKnown { applied } => D::refused(
                codes::AHEAD,
                format!("this set knows nothing of what is applied: {}", some(&ids(applied))),
            )
            .help("this looks like another application's migrations: check --dir and --database"),
            Self::DowngradeLimit { steps, limit } => D::refused(
                codes::AHEAD,
                format!("a downgrade would run {steps} ways back, and the limit is {limit}"),
            )
            .help(format!("if that is what you want, set `downgrade-limit = {steps}` under [policy] in migrate.toml and see them with: migrate plan --allow-downgrade")),
            Self::NoWayBack { title, reason, code, path } => {
                let reason = match reason {
                    Some(reason) => format!("it is irreversible: {reason}"),
                    None if *code => "its code has none".to_owned(),
                    None => "it has no down script".to_owned(),
                };
                let diagnostic = D::refused(codes::NO_WAY_BACK, format!("{title}: there is no way back: {reason}"));
                match path {
                    Some(path) => diagnostic.at(Place::path(path)),
                    None => diagnostic,
                }
                .help("nothing was run")
                .help("write a new migration that changes what must change, or restore a backup")
            }
            Self::BelowMinimum { at, minimum, about } => {
                let at = at.as_ref().map_or("no version".to_owned(), ToString::to_string);
                let diagnostic = D::refused(codes::GATE, format!("the database is at {at}, and this release starts from {minimum}"))
                    .help(format!("upgrade to {minimum} with its own release first{}", about.url.as_ref().map(|url| format!(": {url}")).unwrap_or_default()));
                noted(diagnostic, minimum, about)
            }
            Self::InBetween(between) => between.diagnostic(),
            Self::Stop { at, route, up_to, about } => {
                let stop = route.first().map(ToString::to_string).unwrap_or_default();
                let at = match at {
                    None => "no version".to_owned(),
                    Some(at) if Some(at) == route.first() => format!("a part of {at}"),
                    Some(at) => at.to_string(),
                };
                let url = about.url.as_ref().map(|url| format!(" ({url})")).unwrap_or_default();
                let first = up_to.as_ref().map(|to| format!("migrate up --to {to}, then ")).unwrap_or_default();
                let release = route.first().cloned().unwrap_or_else(|| Version::new([0]));
                let ships = up_to.as_ref() == route.first();
                let route: Vec<_> = route.iter().map(ToString::to_string).collect();
                let diagnostic = D::refused(
                    codes::GATE,
                    format!("the database is at {at}, and an upgrade stops at {stop} first, so that this release runs once"),
                )
                .help(format!("the route: {}", route.join(", then ")))
                .help(format!("next: {first}deploy {stop}{url}"));
                let diagnostic = if ships { diagnostic } else { diagnostic.help(format!("once it is: the same command with --deployed {stop}")) };
                noted(diagnostic, &release, about)
            }
            Self::RequiresVersion { title, required, at, about } => {
                let at = at.as_ref().map_or("no version".to_owned(), ToString::to_string);
                let url = about.url.as_ref().map(|url| format!(": {url}")).unwrap_or_default();
                let diagnostic = D::refused(codes::GATE, format!("{title}: needs {required} first, and the database would be at {at}"))
                    .help(format!("bring it to {required} first, with the release that does that, then run the same command again{url}"));
                noted(diagnostic, required, about)
            }
            Self::PhaseChoice { pre, post, include } => {
                let with = include.iter().fold(String::new(), |with, name| with + " --include " + name);
                let mut diagnostic = D::refused(
                    codes::PHASE,
                    format!("{} pending after a deploy, and no phase was chosen", are(post)),
                );
                if !pre.is_empty() {
                    diagnostic = diagnostic.help(format!("pending before the deploy: {}", pre.join(", ")));
                }
                diagnostic
                    .help(format!("pending after it: {}", post.join(", ")))
                    .help(format!("before the deploy: migrate up --phase pre{with}; after it: migrate up --phase post{with}"))
                    .help(format!("with the service stopped: migrate up --phase all{with}"))
            }
            Self::PhaseOrder { wanted, first, next, phase } => D::refused(
                codes::PHASE,
                format!("{wanted} comes after {first}, which is still pending"),
            )
            .help(match phase {
                Phase::Pre => format!("what comes next is: migrate up --phase pre --to {next}"),
                Phase::Post => format!("what comes next, once {next} is deployed, is: migrate up --phase post --to {next}"),
            })
            .help("with the service stopped, all at once: migrate up --phase all"),
            Self::DeployFirst { wanted, release, about, phase, first, known } => {
                let known = match known {
                    None => "nobody says that it is".to_owned(),
                    Some(Deployed { release, by: DeployedBy::Said }) => format!("{release} is said to be"),
                    Some(Deployed { release, by: DeployedBy::Recorded }) => format!("{release} ran the last migration"),
                };
                let url = about.url.as_ref().map(|url| format!(" ({url})")).unwrap_or_default();
                let before = if *first { format!("migrate up --phase {phase} --to {release}, then ") } else { String::new() };
                let diagnostic = D::refused(codes::PHASE, format!("{wanted} runs once {release} is deployed, and {known}"))
                    .help(format!("next: {before}deploy {release}{url}"))
                    .help(format!("once it is: migrate up --phase {phase} --deployed {release}"))
                    .help("with the service stopped, all at once: migrate up --phase all");
                noted(diagnostic, release, about)
            }
            Self::UnknownTarget { target, known } => {
                let diagnostic = D::refused(codes::UNKNOWN_TARGET, format!("there is no migration {target}"));
                if known.is_empty() {
                    diagnostic.help("there is none at all: see `migrate status`")
                } else {
                    diagnostic.help(format!("there are: {}", some(&ids(known))))
                }
            }
            Self::Already { what, help } => D::refused(codes::ALREADY, what.clone()).help(help.clone()),
            Self::StalePlan { after, now } => D::refused(
                codes::STALE_PLAN,
                format!("the plan is stale: it was made after row {after} of the history, which is at row {now} now"),
            )
            .help("nothing was run: plan again and look at it"),
            Self::WrongDigest { wanted, found: None } => {
                D::refused(codes::WRONG_DIGEST, format!("there is no plan {wanted}: nothing is left to do"))
                    .help("nothing was run: see what is applied with `migrate status`")
            }
            Self::WrongDigest { wanted, found: Some(found) } => {
                D::refused(codes::WRONG_DIGEST, format!("the plan is {found}, not {wanted}"))
                    .help("nothing was run: look at it with `migrate plan`, which ends with the command for it")
            }
        }
    }
}

impl Ahead {
    fn diagnostic(&self) -> Diagnostic {
        let us =
            self.us.as_ref().and_then(MigrationId::version).map(|us| format!(" (this is {us})")).unwrap_or_default();
        let because = self.because.clone().unwrap_or_else(|| {
            let titles: Vec<_> = self.entries.iter().map(Entry::title).collect();
            format!("it has {}", some(&titles))
        });
        let newest = self.entries.last();
        // A version without a dot is a number, and no release has it for a name.
        let release = self.deploy.as_ref().or_else(|| newest.and_then(|entry| entry.id.version()));
        let diagnostic = Diagnostic::refused(codes::AHEAD, format!("the database is ahead: {because}{us}"));
        let diagnostic = match (release, newest) {
            (Some(release), _) if release.is_dotted() => {
                diagnostic.help(format!("deploy {release} or a later release"))
            }
            (_, Some(newest)) => diagnostic.help(format!("deploy the release that has {}", newest.title())),
            _ => diagnostic,
        };
        if self.way_back {
            return diagnostic.help(
                "or go back with the stored down scripts: migrate up --allow-downgrade (see them first: migrate plan --allow-downgrade)",
            );
        }
        self.irreversible.iter().fold(diagnostic, |diagnostic, (title, reason)| {
            diagnostic.help(format!("there is no way back: {title} is irreversible: {reason}"))
        })
    }
}

fn open(entry: &Entry, known: bool) -> Diagnostic {
    let (title, id, at) = (entry.title(), entry.id.typed(), entry.stands());
    let action = entry.action;
    let what = match entry.state {
        State::InFlight => format!("{action} was {at} when it was last heard of"),
        State::Failed => format!("{action} failed {at}"),
        _ => format!("{action} was stopped {}", at.replacen("at ", "before ", 1)),
    };
    let mut diagnostic = Diagnostic::error(codes::OPEN, format!("{title}: {what}, and must be finished first"));
    if let Some(error) = &entry.error {
        diagnostic = diagnostic.help(format!("the server said: {error}"));
    }
    diagnostic = match (known, entry.action) {
        (true, Action::Down) => diagnostic.help("take it back to the end: migrate down --steps 1"),
        (true, Action::Snapshot) => diagnostic.help("finish it: migrate up"),
        (true, _) => diagnostic.help(format!("finish it: migrate up --to {id}")),
        (false, Action::Down) => diagnostic.help(
            "this set does not have that migration: finish it with the release that has it, or with the stored down script: migrate up --allow-downgrade",
        ),
        (false, Action::Snapshot) => {
            diagnostic.help("this set does not have that snapshot: finish it with the release that has it")
        }
        (false, _) => diagnostic.help("this set does not have that migration: finish it with the release that has it"),
    };
    diagnostic
        .help(format!("or, once all of it is done by hand: migrate resolve {id} --applied"))
        .help(format!("or, once it is undone by hand:      migrate resolve {id} --not-applied"))
}

fn ids(ids: &[MigrationId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

/// A list that may have been cut by whoever looked.
fn among_others(names: &[String]) -> String {
    match names {
        [first @ .., _] if first.len() >= 5 => format!("{}, …", first[..5].join(", ")),
        all => all.join(", "),
    }
}

pub(super) fn some(names: &[String]) -> String {
    match names {
        [] => "nothing".to_owned(),
        few if few.len() <= 5 => few.join(", "),
        [first, second, .., last] => format!("{first}, {second}, … {last} ({})", names.len()),
        _ => names.join(", "),
    }
}

fn are(titles: &[String]) -> String {
    match titles {
        [one] => format!("{one} is"),
        _ => format!("{} are", count(titles.len(), "migration")),
    }
}

fn as_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
