//! One module per command of `cargo xtask`.

pub(crate) mod bench;
pub(crate) mod build;
pub(crate) mod cron;
pub(crate) mod deny;
pub(crate) mod deploy;
pub(crate) mod destroy;
pub(crate) mod dev;
pub(crate) mod enrol;
pub(crate) mod eval;
pub(crate) mod faces;
pub(crate) mod fuzz;
pub(crate) mod generate;
pub(crate) mod keys;
pub(crate) mod lint;
mod scene;
pub(crate) mod search;
pub(crate) mod test;
mod test_hosts;
mod test_wasm;
pub(crate) mod wasm_std;
pub(crate) mod weights;
