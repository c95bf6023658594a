//! One connection: our own, or the caller's.
