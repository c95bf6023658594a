//! Four releases, one after the other, under applications that never pause: while migrations run both versions that are
//! alive query the database, and now and then the newer one is withdrawn, before its post or after it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use migrate_tests::servers::{Engine, Place};
use migrate_tests::{Project, Random, Transcript, long};

const RELEASES: usize = 4;

/// A release brings a column, and takes the one that only the release before it used.
fn files(release: usize) -> Vec<(String, String)> {
    let add = |release: usize| format!("alter table items add column c{release} varchar(20);\n");
    let drop = |release: usize| format!("alter table items drop column c{release};\n");
    let name = |rest: &str| format!("{release}.0.0_{rest}");
    if release == 1 {
        let table = "create table items (id varchar(40) not null primary key, c1 varchar(20));\n".to_owned();
        return vec![(name("01_pre_items.up"), table), (name("01_pre_items.down"), "drop table items;\n".to_owned())];
    }
    vec![
        (name("01_pre_add.up"), add(release)),
        (name("01_pre_add.down"), drop(release)),
        (name("50_post_drop.up"), drop(release - 1)),
        (name("50_post_drop.down"), add(release - 1)),
    ]
}

/// What a version of the application does all day.
fn queries(version: usize, id: &str) -> [String; 3] {
    [
        format!("insert into items (id, c{version}) values ('{id}', 'new')"),
        format!("update items set c{version} = 'seen' where id = '{id}'"),
        format!("select count(c{version}) from items where id = '{id}'"),
    ]
}

struct Walk {
    project: Project,
    place: Place,
    /// Versions of the application that are running.
    alive: Vec<usize>,
    count: AtomicU32,
    rollbacks: u32,
}

impl Walk {
    fn new(engine: Engine) -> Self {
        let project = Project::new();
        // The folder of a release holds what that release knows, and nothing later.
        for release in 1..=RELEASES {
            for (name, text) in (1..=release).flat_map(files) {
                project.write(&format!("release{release}/{name}.sql"), &text);
            }
        }
        let place = Place::new(engine, &project);
        Self { project, place, alive: Vec::new(), count: AtomicU32::new(0), rollbacks: 0 }
    }

    /// One round of what a version does.
    fn query(&self, version: usize) {
        let id = format!("{version}-{}", self.count.fetch_add(1, Ordering::Relaxed));
        for query in queries(version, &id) {
            self.place.run(&query);
        }
    }

    /// `migrate` as a release has it, while everybody who is alive goes on.
    fn migrate(&self, release: usize, words: &str) -> Transcript {
        let words = format!("{words} --dir release{release} -d {}", self.place.url());
        let (over, failed) = (AtomicBool::new(false), Mutex::new(Vec::new()));
        let said = thread::scope(|scope| {
            for version in &self.alive {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        let round = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.query(*version)));
                        if round.is_err() {
                            failed.lock().expect("nobody panics with it").push(*version);
                        }
                    }
                });
            }
            let said = self.project.migrate(&words);
            over.store(true, Ordering::Relaxed);
            said
        });
        let failed = failed.into_inner().expect("nobody panics with it");
        assert!(failed.is_empty(), "versions {failed:?} of the application failed during {said}");
        for version in &self.alive {
            self.query(*version);
        }
        said
    }

    fn is(&mut self, alive: &[usize]) {
        self.alive = alive.to_vec();
        for version in alive {
            self.query(*version);
        }
    }

    /// From one release to the next, with rollbacks where `random` says so.
    fn upgrade(&mut self, to: usize, random: &mut Random) {
        let from = to - 1;
        let before = |walk: &Self| {
            walk.migrate(to, &format!("up --phase pre --to {to}.0.0 --deployed {from}.0.0")).exits(0);
        };
        before(self);
        self.is(&[from, to]);
        if random.below(2) == 0 {
            // The newer one is withdrawn before all of it was deployed; the older one starts again by itself.
            self.rollbacks += 1;
            self.is(&[from]);
            self.migrate(from, "check").exits(0);
            if random.below(2) == 0 {
                self.migrate(from, "up --allow-downgrade --yes").exits(0);
            } else {
                self.migrate(from, "up").exits(0);
            }
            before(self);
            self.is(&[from, to]);
        }
        self.is(&[to]);
        if random.below(2) == 0 {
            // Everything is deployed, and taken back before its post.
            self.rollbacks += 1;
            self.is(&[from, to]);
            self.migrate(from, "check").exits(0);
            self.is(&[to]);
        }
        let after = format!("up --phase post --to {to}.0.0 --deployed {to}.0.0");
        self.migrate(to, &after).exits(0);
        self.is(&[to]);
        if random.below(2) == 0 {
            // What the older one used is gone: it does not start, unless the database goes back first.
            self.rollbacks += 1;
            self.is(&[]);
            let contents = self.place.contents();
            self.migrate(from, "check").exits(8);
            self.migrate(from, "up").exits(8);
            assert_eq!(self.place.contents(), contents);
            self.migrate(from, "up --allow-downgrade --yes").exits(0);
            self.is(&[from]);
            self.migrate(from, "check").exits(0);
            before(self);
            self.is(&[from, to]);
            self.is(&[to]);
            self.migrate(to, &after).exits(0);
            self.is(&[to]);
        }
    }
}

#[expect(clippy::print_stdout, reason = "what was done, for whoever asks")]
pub(crate) fn no_query_fails(engine: Engine) {
    let mut random = Random::seeded();
    let walks = if long() { 20 } else { 2 };
    let (mut rollbacks, mut rounds) = (0, 0);
    for _ in 0..walks {
        let mut walk = Walk::new(engine);
        walk.migrate(1, if engine == Engine::Sqlite { "up --create-db" } else { "up" }).exits(0);
        walk.is(&[1]);
        for to in 2..=RELEASES {
            walk.upgrade(to, &mut random);
        }
        walk.migrate(RELEASES, "check").exits(0);
        rollbacks += walk.rollbacks;
        rounds += walk.count.load(Ordering::Relaxed);
    }
    println!("{engine:?}: {walks} walks over {RELEASES} releases, {rollbacks} rollbacks, {rounds} rounds of queries");
}
