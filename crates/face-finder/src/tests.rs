//! The library against the page: its recipe, run by Node, and its networks, which face-api.js
//! computes. `cargo xtask test` installs the npm packages, and passes the weights in
//! `CFACE_FINDER`.

mod node;

mod photographs;

mod recipe;

mod parity;

mod finding;
