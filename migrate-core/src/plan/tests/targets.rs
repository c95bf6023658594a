//! Targets: how far up.

use insta::assert_snapshot;

use super::{Target, planned};

const SET: &str = r"
    file 1.5.0/pre/01
    file 1.5.0/post/02
    file 1.5.0.3
    file 1.5.1
    file 1.6
    file R view up:0
";

fn ids(goal: &str) -> String {
    let plan = super::case(&format!("{SET}\ngoal {goal}")).plan().unwrap();
    plan.steps.iter().map(|step| step.id.to_string()).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_version_is_all_of_it_and_a_line_its_newest() {
    assert_eq!(ids("up --to 1.5.0"), "1.5.0/pre/01, 1.5.0/post/02");
    assert_eq!(ids("up --to 1.5"), "1.5.0/pre/01, 1.5.0/post/02");
    assert_eq!(ids("up --to 1.5.0.*"), "1.5.0/pre/01, 1.5.0/post/02, 1.5.0.3");
    assert_eq!(ids("up --to 1.5.*"), "1.5.0/pre/01, 1.5.0/post/02, 1.5.0.3, 1.5.1");
    assert_eq!(ids("up --to 1.5.0/pre/01"), "1.5.0/pre/01");
}

#[test]
fn the_newest_release_brings_the_repeatables_with_it() {
    assert_eq!(ids("up --to 1.6"), "1.5.0/pre/01, 1.5.0/post/02, 1.5.0.3, 1.5.1, 1.6, R view");
    assert_eq!(ids("up"), ids("up --to 1.6"));
    assert_eq!(ids("up --to 1.5.0 --phase pre"), "1.5.0/pre/01");
    assert_eq!(ids("up --steps 9"), "1.5.0/pre/01, 1.5.0/post/02, 1.5.0.3, 1.5.1, 1.6");
}

#[test]
fn so_many_steps_are_migrations() {
    assert_eq!(ids("up --steps 2"), "1.5.0/pre/01, 1.5.0/post/02");
    assert_eq!(ids("up --steps 0"), "");
}

#[test]
fn a_target_that_does_not_exist_is_named_with_what_does() {
    assert_snapshot!(planned(&format!("{SET}\ngoal up --to 1.7")), @"
    refused[M0211]: there is no migration 1.7
       = there are: 1.5.0/pre/01, 1.5.0/post/02, 1.5.0.3, 1.5.1, 1.6
    ");
    assert_snapshot!(planned(&format!("{SET}\ngoal up --to 1.7.*")), @"
    refused[M0211]: there is no migration 1.7.*
       = there are: 1.5.0/pre/01, 1.5.0/post/02, 1.5.0.3, 1.5.1, 1.6
    ");
    assert_snapshot!(planned(&format!("{SET}\ngoal up --to 1.5.0/post/03")), @"
    refused[M0211]: there is no migration 1.5.0/post/03
       = there are: 1.5.0/pre/01, 1.5.0/post/02, 1.5.0.3, 1.5.1, 1.6
    ");
    assert_snapshot!(planned("goal up --to 1"), @"
    refused[M0211]: there is no migration 1
       = there is none at all: see `migrate status`
    ");
}

#[test]
fn a_target_below_where_the_database_is_leaves_nothing_to_do() {
    assert_snapshot!(planned("file 1\nfile 2\nfile 3\nrow up 1\nrow up 2\ngoal up --to 1"), @"nothing to do");
}

#[test]
fn targets_are_read_as_they_are_shown() {
    for text in ["1.5.0", "1.5.0.*", "2.1.0/pre/03", "2.1.0/post", "R user_view"] {
        assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
    }
    for text in ["", "x", "1.*.*", "1/past"] {
        assert!(text.parse::<Target>().is_err(), "{text}");
    }
}
