//! The conformance suite against the engine in memory, with both of its personalities, and against engines that lie.

use std::future::Future;

use migrate_core::testing::cases::{self, crash_sweep, the_sweep_must_fail};
use migrate_core::testing::memory::{Fraud, IMPLICIT, Memory, MemorySession, TRANSACTIONAL};
use migrate_core::testing::{Fixture, conformance};

macro_rules! fixture {
    ($name:ident, $backend:expr) => {
        struct $name(Memory);

        impl Fixture for $name {
            type Backend = Memory;
            type Native = MemorySession;

            fn create() -> Self {
                Self($backend)
            }

            fn backend(&self) -> Memory {
                self.0.clone()
            }

            fn block_on<T>(future: impl Future<Output = T>) -> T {
                futures_executor::block_on(future)
            }

            fn alone() -> &'static str {
                "REINDEX"
            }
        }
    };
}

mod transactional {
    use super::*;
    fixture!(Transactional, Memory::transactional());
    conformance!(Transactional);

    #[test]
    fn nothing_is_ever_in_doubt() {
        assert_eq!(crash_sweep::<Transactional>().doubts, 0);
    }
}

mod implicit {
    use super::*;
    fixture!(Implicit, Memory::implicit());
    conformance!(Implicit);

    #[test]
    fn evidence_decides_every_doubt() {
        assert_eq!(crash_sweep::<Implicit>().doubts, 0);
    }
}

mod without_evidence {
    use super::*;
    fixture!(Blind, Memory::implicit().without_evidence());
    conformance!(Blind);

    #[test]
    fn what_nobody_can_tell_is_asked() {
        let swept = crash_sweep::<Blind>();
        assert!(swept.doubts > 0, "{swept:?}");
    }
}

mod liars {
    use migrate_core::backend::{Atomicity, Dialect};

    use super::*;

    static CLAIMS_TO_ROLL_BACK: Dialect = Dialect { atomicity: Atomicity::Script, ..IMPLICIT };
    static CLAIMS_TO_COMMIT: Dialect = Dialect { atomicity: Atomicity::Statement, ..TRANSACTIONAL };

    fixture!(Boaster, Memory::implicit().claiming(&CLAIMS_TO_ROLL_BACK));
    fixture!(Modest, Memory::transactional().claiming(&CLAIMS_TO_COMMIT));

    fixture!(Late, Memory::implicit().committing(Fraud::LosesAnnouncements));
    fixture!(Apart, Memory::transactional().committing(Fraud::WritesRowsApart));

    #[test]
    fn a_statement_sent_before_it_is_announced_fails_the_sweep() {
        the_sweep_must_fail::<Late>();
    }

    #[test]
    fn a_row_outside_the_transaction_of_its_script_fails_the_sweep() {
        the_sweep_must_fail::<Apart>();
    }

    #[test]
    fn claiming_too_much_atomicity_fails_the_sweep() {
        the_sweep_must_fail::<Boaster>();
    }

    #[test]
    #[should_panic(expected = "a table created in a transaction that was rolled back")]
    fn claiming_too_much_atomicity_fails_the_truth() {
        cases::atomicity_is_as_declared::<Boaster>();
    }

    #[test]
    #[should_panic(expected = "a table created in a transaction that was rolled back")]
    fn claiming_too_little_atomicity_fails_the_truth() {
        cases::atomicity_is_as_declared::<Modest>();
    }
}
