//! `cargo xtask wasm-std`: the standard library for WebAssembly from Debian's sources, for machines
//! where rustup cannot provide it.

use crate::project;
use crate::setup::wasm;

pub(crate) fn run() -> anyhow::Result<()> {
    let _lock = project::lock()?;
    wasm::build_std()
}
