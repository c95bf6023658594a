//! Several sets in one database.

use migrate_core::layout::{EngineNames, Folder};
use migrate_core::testing::Memory;
use migrate_core::{MigrationSet, Migrator, Migrators, ReadOptions};

use super::{block_on, numbers};

fn migrators(memory: &Memory) -> Migrators {
    let of = |component: &str, needs: &str, texts: [(&'static str, &'static str); 2]| {
        let manifest = format!("component = \"{component}\"\n{needs}");
        let files = texts.into_iter().chain([("migrations.toml", manifest.as_str())]);
        let folder = Folder::embedded(component, files);
        let read = MigrationSet::from_folder(&folder, &ReadOptions::new(EngineNames::SQLITE));
        Migrator::new(memory.clone(), read.unwrap_or_else(|problems| panic!("{problems:?}")).set)
    };
    let shop = [("1_a.sql", "CREATE TABLE a;"), ("2_b.sql", "CREATE TABLE b;")];
    let queue = [("1_c.sql", "CREATE TABLE c;"), ("2_d.sql", "CREATE TABLE d;")];
    Migrators::new(vec![of("shop", "[depends-on]\nqueue = \"2\"\n", shop), of("queue", "", queue)]).unwrap()
}

#[test]
fn a_plan_of_all_is_made_as_if_what_is_needed_were_there() {
    let memory = Memory::transactional();
    let all = migrators(&memory);
    let plans = block_on(all.plans()).unwrap();
    let planned: Vec<_> = plans.iter().map(|plan| (plan.component.as_str(), plan.steps.len())).collect();
    assert_eq!(planned, [("queue", 2), ("shop", 2)]);
    let alone = block_on(all.iter().nth(1).unwrap().plan()).unwrap_err();
    assert!(alone.to_string().contains("needs component queue at 2 or later"), "{alone}");
    // They are what is carried out, in this order.
    for (migrator, plan) in all.iter().zip(&plans) {
        block_on(migrator.apply(plan, &mut ())).unwrap();
    }
    assert!(numbers(&memory, "b").is_some());
    assert!(block_on(all.plans()).unwrap().iter().all(migrate_core::Plan::is_empty));
}
