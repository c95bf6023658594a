//! Where to go, what is allowed on the way, and exactly what will be done. Pure: no clock, no environment, no effect.
//!
//! | module | holds |
//! |---|---|
//! | [`goal`] | [`Goal`]: where to go |
//! | [`policy`] | [`Policy`]: what is allowed on the way |
//! | [`step`] | [`Plan`] of [`Step`]s, its digest, its text form |
//! | [`units`] | a script cut into what is sent together |
//! | [`resume`] | where an attempt that is not over goes on |
//! | [`planner`] | [`plan`]: the rules in their order |
//! | [`adopt`] | taking over another tool's history |
//! | [`mirror`] | Flyway's table, written along with ours |
//! | `up`, `down`, `record` | the rules of each direction, and of rows without a script |
//! | `order`, `gate`, `ahead`, `repeatable` | single rules of going up |
//! | [`deploy`] | which release is deployed, and what waits for that |
//! | [`route`] | [`Route`]: the way to a release, from deploy to deploy |
//! | `snapshot` | installing everything at once, and what that stands for |
//! | `needs` | what components need of each other |
//! | `amend` | running what was appended to an applied migration |
//! | `callback` | steps that leave no row, around the others |
//! | [`changed`] | an applied migration whose file is another one now |
//! | `code` | steps that run code in place of a script |
//! | `stored`, `refresh` | what of a way back is written down, and when it is written anew |
//! | `tables` | which writes cannot be taken back |
//! | [`pooled`] | what a pooler that pools transactions does not let through |
//! | [`joined`] | what cannot be part of the caller's transaction |
//! | [`check`] | the read-only answer at a service's start |
//! | [`standing`] | where every migration stands |
//! | [`refusal`] | [`Refusal`]: why there is no plan |

pub mod adopt;
pub mod check;
pub mod deploy;
pub mod goal;
pub mod mirror;
pub mod policy;
pub mod refusal;
pub mod resume;
pub mod route;
pub mod standing;
pub mod step;
pub mod units;

mod ahead;
mod amend;
mod callback;
pub mod changed;
mod code;
mod down;
pub(crate) mod gate;
pub mod joined;
mod needs;
mod order;
pub mod planner;
pub mod pooled;
mod record;
mod refresh;
mod repeatable;
mod snapshot;
mod stored;
mod tables;
#[cfg(test)]
mod tests;
mod text;
mod up;

pub use adopt::{Adoption, Foreign};
pub use check::Check;
pub use code::PendingCode;
pub use deploy::{Deployed, DeployedBy};
pub use goal::{AcceptChanged, AdoptGoal, DownGoal, Goal, PhaseGoal, Target, UpGoal};
pub use mirror::{Mirror, Mirrored};
pub use planner::{Observed, open_script, plan, texts_needed};
pub use policy::{ForeignHistory, OnAhead, OnNonempty, OutOfOrder, Policy};
pub use refusal::Refusal;
pub use route::{Route, Strategy};
pub use snapshot::{InBetween, squashed};
pub use standing::{Standing, StandingState, Status, standings};
pub use step::{CodeStep, Mode, Plan, Resume, Step};
pub use units::{How, Unit};
