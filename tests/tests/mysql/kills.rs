//! Every kind of statement is stopped in the middle: its client is killed, its connection, the statement itself, the
//! whole server. The next run completes; what is there equals what an undisturbed run leaves, down to which table is
//! which, and nobody is asked about statements of which nothing can be half done.

use std::collections::BTreeMap;
use std::fmt;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use migrate_core::MigrationSet;
use migrate_core::error::ErrorKind;
use migrate_core::plan::Refusal;
use migrate_tests::proxy::{Protocol, Proxy, Side};
use migrate_tests::servers::mysql::{Client, Options};
use migrate_tests::servers::{Flavour, MySql as Server};
use migrate_tests::{Project, Random, Transcript, crashes, difference, program};

use super::FLAVOUR;
use super::kinds::{KINDS, Kind, On};
use super::support::{block_on, fragile, history, not_once, set};
use super::world::World;

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    /// kill -9 of the program.
    Client,
    /// `KILL`, as an administrator does.
    Connection,
    /// `KILL QUERY`.
    Statement,
    /// kill -9 of the server, which is started again.
    Server,
    /// Both, as when a machine loses its power.
    Machine,
}

/// A kind, alone in its migration or between others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Case {
    kind: &'static Kind,
    between: bool,
}

/// What an undisturbed run does.
struct Undisturbed {
    /// What is there before the statement, where that can be asked for, and after it.
    before: String,
    after: String,
    ran: String,
    works: Vec<Work>,
}

/// What came of the crashes.
#[derive(Default)]
struct Counts {
    crashes: usize,
    hit: usize,
    /// How often what decided.
    by: BTreeMap<String, usize>,
    asked: usize,
    /// The question was right: it was half done.
    half_done: usize,
    /// The server said no, and a person was told that it may be half done.
    told: usize,
    /// The server has torn tables of its own and does not start again: nothing can be asked of it.
    torn: usize,
    wrong: Vec<String>,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} crashes, {} of a run at work:", self.crashes, self.hit)?;
        for (by, count) in &self.by {
            write!(f, " {count} by {by},")?;
        }
        let Self { asked, half_done, told, torn, wrong, .. } = self;
        write!(f, " {asked} asked ({half_done} half done), {told} told, {torn} servers torn, {} wrong", wrong.len())
    }
}

/// The kinds that this server knows.
fn kinds() -> Vec<&'static Kind> {
    let is_mariadb = FLAVOUR == Flavour::MariaDb;
    let is_newer = is_mariadb && !Server::shared(FLAVOUR).version().starts_with("10.5.");
    let knows = |on| match on {
        On::Both => true,
        On::MySql => !is_mariadb,
        On::MariaDb => is_mariadb,
        On::NewerMariaDb => is_newer,
    };
    KINDS.iter().filter(|kind| knows(kind.on)).collect()
}

impl Case {
    /// Its migrations, about a database.
    fn files(self, world: &World<'_>) -> Vec<(&'static str, String)> {
        let statement = world.named(self.kind.statement);
        vec![
            (
                "1_before",
                format!(
                    "create table ran (what text not null);\n{}insert into ran values ('1');",
                    world.setup(self.kind)
                ),
            ),
            (
                "2_kind",
                if self.between {
                    format!("insert into ran values ('2a');\n{statement};\ninsert into ran values ('2b');")
                } else {
                    format!("{statement};")
                },
            ),
            ("3_last", "insert into ran values ('3');".to_owned()),
        ]
    }

    /// Everything before the statement is done.
    fn begin(self, server: &Server) -> (World<'_>, Project, MigrationSet) {
        let mut world = World::of(server);
        let files = self.files(&world);
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let url = world.database.url();
        block_on(fragile(&url, &set(&files[..1])).up()).unwrap_or_else(|error| panic!("{self:?}: {error:#?}"));
        world.remember();
        (world, Project::with(&files), set(&files))
    }

    /// What an undisturbed run does; `None` where this server does not take the statement.
    fn undisturbed(self, server: &Server) -> Option<Undisturbed> {
        let (world, project, _) = self.begin(server);
        let before = if self.kind.may_ask { world.contents() } else { String::new() };
        let proxy = Proxy::start(Protocol::MySql, &server.address(), Duration::ZERO);
        let transcript = project.migrate(&up(&world, &proxy));
        // With its default settings MySQL writes a log that cannot hold them all.
        if transcript.code == Some(3) && transcript.stderr.contains("violates GTID consistency") {
            return None;
        }
        transcript.exits(0);
        Some(Undisturbed { before, after: world.contents(), ran: world.ran(), works: works(&proxy) })
    }
}

fn up(world: &World<'_>, proxy: &Proxy) -> String {
    format!("up -d {}?ssl-mode=DISABLED --dir migrations", world.database.url_by(&proxy.address()))
}

/// A moment at which the server is at work: behind this message, for so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Work {
    side: Side,
    /// Which one of those that this side sent.
    message: u64,
    took: Duration,
}

/// Whenever the server is at work, once there is something to do.
fn works(proxy: &Proxy) -> Vec<Work> {
    let mut works: Vec<Work> = Vec::new();
    let mut counts = [0; 2];
    let mut last = None;
    for (side, moment) in proxy.moments() {
        if let (Side::Server, Some((side, since))) = (side, last) {
            let message = counts[usize::from(side == Side::Server)];
            works.push(Work { side, message, took: moment.duration_since(since) });
        }
        counts[usize::from(side == Side::Server)] += 1;
        last = Some((side, moment));
    }
    // A run is at work once it has the lock and has looked once more.
    let begins = proxy.begins();
    let locked =
        begins.iter().position(|text| text.starts_with("SELECT IF(IS_USED_LOCK(")).expect("a run takes the lock");
    let writes =
        |text: &String| ["INSERT INTO ", "SET SESSION ", "SET @", "START "].iter().any(|word| text.starts_with(word));
    let first = locked + begins[locked..].iter().position(writes).expect("a run writes a row");
    works.retain(|work| work.side == Side::Server || work.message > first as u64);
    let begin = works.iter().position(|work| work.side == Side::Client).expect("a run that says something");
    works.split_off(begin)
}

/// A moment: half of them in the longest work, which is mostly the statement's.
fn moment(works: &[Work], random: &mut Random) -> Work {
    let longest = works.iter().max_by_key(|work| work.took).copied().expect("a run that says something");
    let all: Duration = works.iter().map(|work| work.took).sum();
    let mut left = random.up_to(all);
    let mut any = works.iter().copied().filter(|work| {
        let here = left < work.took;
        left = left.saturating_sub(work.took);
        here
    });
    let work = if random.below(2) == 0 { longest } else { any.next().unwrap_or(longest) };
    Work { took: random.up_to(work.took * 11 / 10), ..work }
}

/// How long a message is on its way to the server where somebody must be asked meanwhile.
const ONE_WAY: Duration = Duration::from_millis(4);

/// One run that is killed; whether it was at work then, and what it said. `None` if its server does not come back.
fn kill(
    victim: Victim,
    case: Case,
    moment: Work,
    (world, project): (&World<'_>, &Project),
    mut administrator: Option<&mut Client>,
) -> Option<(bool, Transcript)> {
    let server = world.database.server();
    let delay = if administrator.is_some() { ONE_WAY } else { Duration::ZERO };
    let proxy = Proxy::start(Protocol::MySql, &server.address(), delay * 2);
    let words = up(world, &proxy);
    let mut child = project.start(&words);
    let id = administrator.as_mut().and_then(|administrator| {
        comes_to(&proxy, &mut child, Work { side: Side::Client, message: 4, took: Duration::ZERO });
        let name = world.database.name();
        let ids = administrator.run(&format!("select max(id) from information_schema.processlist where db = '{name}'"));
        ids.lines().last()?.trim().parse::<u64>().ok()
    });
    let mut hit = comes_to(&proxy, &mut child, moment);
    // The moment is the subject: there is no condition to wait for.
    thread::sleep(moment.took + if moment.side == Side::Client { delay } else { Duration::ZERO });
    hit &= child.try_wait().expect("a child can be waited for").is_none();
    match victim {
        Victim::Client => child.kill().expect("a child can be killed"),
        Victim::Connection | Victim::Statement => {
            let how = if victim == Victim::Connection { "connection" } else { "query" };
            match (administrator, id) {
                (Some(administrator), Some(id)) => {
                    // Its answer says nothing that matters if the session has just ended.
                    administrator.run(&format!("kill {how} {id}"));
                }
                _ => hit = false,
            }
        }
        Victim::Server | Victim::Machine => {
            server.kill9();
            if victim == Victim::Machine {
                child.kill().expect("a child can be killed");
            }
            if !server.comes_back() {
                let _ = child.kill();
                project.end(&words, child);
                return None;
            }
        }
    }
    let begin = Instant::now();
    while child.try_wait().expect("a child can be waited for").is_none() {
        if begin.elapsed() > Duration::from_secs(60) {
            let _ = child.kill();
            let (list, rows) = (server.sql("", "show full processlist"), history(&world.database));
            panic!("{victim:?} after {moment:?}, {case:?}: no end\n{list}\n{rows}\n{}", project.end(&words, child));
        }
        thread::sleep(Duration::from_millis(1));
    }
    let transcript = project.end(&words, child);
    assert!(transcript.code.is_some() || matches!(victim, Victim::Client | Victim::Machine), "{case:?}\n{transcript}");
    Some((hit, transcript))
}

/// Waits for a message; whether it comes before the client ends.
fn comes_to(proxy: &Proxy, child: &mut Child, moment: Work) -> bool {
    let begin = Instant::now();
    let passed = || {
        let counts = proxy.counts();
        if moment.side == Side::Client { counts.client_messages } else { counts.server_messages }
    };
    while passed() < moment.message {
        if child.try_wait().expect("a child can be waited for").is_some() {
            return false;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "{moment:?} does not come");
        thread::sleep(Duration::from_micros(20));
    }
    true
}

/// One crash, and what comes after it.
#[expect(clippy::print_stdout, reason = "what is wrong is said at once")]
fn crash(
    victim: Victim,
    case: Case,
    server: &Server,
    expected: &Undisturbed,
    random: &mut Random,
    counts: &mut Counts,
) {
    let (world, project, set) = case.begin(server);
    let mut administrator = matches!(victim, Victim::Connection | Victim::Statement)
        .then(|| Client::connect(server, &server.address(), "mysql"));
    let moment = moment(&expected.works, random);
    let killed = kill(victim, case, moment, (&world, &project), administrator.as_mut());
    counts.crashes += 1;
    let Some((hit, transcript)) = killed else {
        counts.torn += 1;
        return;
    };
    counts.hit += usize::from(hit && (victim != Victim::Client || transcript.code.is_none()));
    let context = format!("{victim:?} after {moment:?}, between: {}, {:?}", case.between, case.kind.name);
    let mut wrong = |what: String| {
        let wrong = format!("{context}: {what}\n{}\n{transcript}", history(&world.database));
        println!("WRONG: {wrong}");
        counts.wrong.push(wrong);
    };
    // Who has no connection yet gives up. Who is asked is asked again below.
    let said = match transcript.code {
        None | Some(0 | 4) => true,
        Some(6) => transcript.stderr.contains("error[M0401]"),
        Some(3) => victim == Victim::Statement,
        Some(1) => victim == Victim::Statement && transcript.stderr.contains("interrupted"),
        _ => false,
    };
    if !said {
        return wrong(format!("exit {:?}", transcript.code));
    }
    let told = transcript.code == Some(3) && transcript.stderr.contains("half done");
    let mut asked = 0;
    let report = loop {
        let error = match block_on(fragile(&world.database.url(), &set).up()) {
            Ok(report) => break report,
            Err(error) => error,
        };
        let ErrorKind::Refused(Refusal::InDoubt { id, statement, reason, .. }) = error.kind() else {
            return wrong(format!("{error:#?}"));
        };
        asked += 1;
        if !case.kind.may_ask || asked > 1 {
            return wrong(format!("asked: {reason}"));
        }
        let now = world.contents_if_readable();
        let Some(now) = now.filter(|now| [&expected.after, &expected.before].contains(&now)) else {
            counts.asked += 1;
            counts.half_done += 1;
            return;
        };
        let answer = block_on(fragile(&world.database.url(), &set).settle(id, *statement, now == expected.after));
        if let Err(error) = answer {
            return wrong(format!("the answer is refused: {error:#?}"));
        }
    };
    let (found, ran, rows) = (world.contents(), world.ran(), not_once(&world.database));
    if found != expected.after && told {
        counts.told += 1;
        return;
    }
    if (&found, &ran, rows.as_str()) != (&expected.after, &expected.ran, "") {
        return wrong(format!(
            "not what an undisturbed run leaves: {ran}, not once: {rows:?}\n{}",
            difference(&found, &expected.after)
        ));
    }
    let check = block_on(fragile(&world.database.url(), &set).check());
    if !check.as_ref().is_ok_and(migrate_core::Check::is_current) {
        return wrong(format!("{check:#?}"));
    }
    counts.asked += asked;
    let settled = world.database.sql("select settled_by from migrate_history where settled_by is not null");
    for line in settled.lines() {
        let by = line.split(':').next().unwrap_or_default().to_owned();
        *counts.by.entry(by).or_default() += 1;
    }
    if settled.is_empty() && hit {
        let begun = report.steps.iter().all(|step| step.title != "2 kind") || transcript.code == Some(0);
        *counts.by.entry(if begun { "its row" } else { "nothing sent" }.to_owned()).or_default() += 1;
    }
}

#[expect(clippy::print_stdout, reason = "the counts are what it is about")]
fn killed(victims: &[Victim], rounds: usize) {
    program();
    let own = || Server::start(FLAVOUR, Options::default());
    let mut killable = victims.contains(&Victim::Server).then(own);
    let mut random = Random::seeded();
    // `MIGRATE_TEST_KINDS` names a part of the kinds that all crashes are to be in.
    let only = std::env::var("MIGRATE_TEST_KINDS").unwrap_or_default();
    let kinds: Vec<_> = kinds().into_iter().filter(|kind| kind.name.contains(&only)).collect();
    assert!(!kinds.is_empty(), "no kind is called {only}");
    let offset = usize::try_from(random.below(kinds.len() as u64)).expect("a small number");
    let stride = (kinds.len() / rounds.max(1)).max(1);
    let mut known: Vec<(Case, Option<Undisturbed>)> = Vec::new();
    let mut counts = Counts::default();
    for round in 0..rounds {
        let kind = kinds[(offset + round * stride) % kinds.len()];
        let case = Case { kind, between: random.below(2) == 0 };
        let server = killable.as_ref().unwrap_or_else(|| Server::shared(FLAVOUR));
        if known.iter().all(|(known, _)| *known != case) {
            known.push((case, case.undisturbed(server)));
        }
        let expected = known.iter().find(|(known, _)| *known == case).and_then(|(_, expected)| expected.as_ref());
        let Some(expected) = expected else {
            println!("not on this server: {}", kind.name);
            continue;
        };
        let victim = victims[usize::try_from(random.below(victims.len() as u64)).expect("a small number")];
        let torn = counts.torn;
        crash(victim, case, server, expected, &mut random, &mut counts);
        if counts.torn > torn {
            killable = Some(own());
        }
        if round % 50 == 49 {
            println!("{} of {rounds}: {counts}", round + 1);
        }
    }
    let server = killable.as_ref().unwrap_or_else(|| Server::shared(FLAVOUR));
    println!("{FLAVOUR:?} {}, {victims:?}: {counts}", server.version());
    assert!(counts.torn <= 1 + rounds / 100, "the servers do not survive what is to be tested: {counts}");
    assert!(counts.wrong.is_empty(), "{}", counts.wrong.join("\n"));
    assert!(counts.hit > 0 || rounds < 5, "nobody was ever hit: this tests nothing");
}

#[test]
fn there_are_enough_kinds() {
    assert!(kinds().len() > 100, "{}", kinds().len());
    let names: std::collections::BTreeSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
    assert_eq!(names.len(), KINDS.len(), "a name is taken twice");
}

#[test]
fn the_plan_says_of_which_kinds_somebody_may_be_asked() {
    let server = Server::shared(FLAVOUR);
    for kind in kinds() {
        let (world, _, set) = Case { kind, between: false }.begin(server);
        let plan = block_on(fragile(&world.database.url(), &set).plan()).unwrap().to_string();
        let is_said = plan.contains("a crash inside statement 1 may have to be asked about");
        let text = kind.setup.join(";") + ";" + kind.statement;
        // What was never seen to be half done is announced with its like: nobody knows what is in a procedure.
        let of_files = ["MyISAM", "Aria"].iter().any(|engine| text.contains(engine))
            || FLAVOUR == Flavour::MariaDb && text.contains("partition");
        let is_code = ["call ", "begin ", "execute "].iter().any(|verb| kind.statement.starts_with(verb));
        assert!(is_said || !kind.may_ask, "{} is not announced:\n{plan}", kind.name);
        assert!(!is_said || kind.may_ask || of_files || is_code, "{} is announced:\n{plan}", kind.name);
    }
}

#[test]
fn after_kill_9_of_the_client_in_any_kind_of_statement_the_next_run_completes() {
    killed(&[Victim::Client], crashes());
}

#[test]
fn after_kill_of_the_connection_or_the_statement_the_run_or_the_next_completes() {
    killed(&[Victim::Connection, Victim::Statement], crashes().div_ceil(2));
}

#[test]
fn after_kill_9_of_the_server_the_run_or_the_next_completes() {
    killed(&[Victim::Server, Victim::Machine], crashes().div_ceil(2));
}
