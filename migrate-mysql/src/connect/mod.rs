//! Where the database is, and how connections to it are opened.
