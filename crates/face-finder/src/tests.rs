//! The library against the page: its recipe, run by Node, and its networks, which face-api.js
//! computes. `cargo xtask test` installs the npm packages, and passes the weights in
//! `CFACE_FINDER`.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod node;
mod photographs;
mod recipe;
mod parity;
mod finding;
