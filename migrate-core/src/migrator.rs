//! The facade that most users touch: a backend, a set, where to go.

use crate::apply::{Report, RunOptions, StopHandle};
use crate::backend::{Backend, Server, TableName};
use crate::error::Error;
use crate::event::Observer;
use crate::history::History;
use crate::plan::{Check, Goal, Plan, Policy};
use crate::set::MigrationSet;
