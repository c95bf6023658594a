//! What happens and what is so, for each of those who read it.
//!
//! | module | writes |
//! |---|---|
//! | [`human`] | a run as people watch it |
//! | [`status`] | where every migration stands |
//! | [`layout`] | how a layout was found that nobody named |
//! | [`json`] | the document at the end, and events as lines |
//! | [`github`] | findings as annotations of a workflow |

pub mod github;
pub mod human;
pub mod json;
pub mod layout;
mod notices;
pub mod status;
