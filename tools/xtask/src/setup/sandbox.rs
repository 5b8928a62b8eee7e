//! The sandbox: the module in which the public Worker reads what callers send.

use std::path::PathBuf;

use wire::limits::{SANDBOX_PAGES_MAX, SANDBOX_PAGES_MIN};

use super::wasm::{self, Simd, Toolchain};
use crate::run::Run;

/// The package of the module.
pub(crate) const PACKAGE: &str = "sandbox";

/// Builds the module, and says where it is.
pub(crate) fn build(toolchain: &Toolchain, simd: Simd) -> anyhow::Result<PathBuf> {
    Run::cargo("compiling the sandbox for WebAssembly")
        .args(["rustc", "--release", "--locked", "--package", PACKAGE, "--lib"])
        .args(["--target", wasm::TRIPLE])
        .arg_path("--target-dir", &wasm::target())
        // The linker then also writes code that clears what begins as zeros: the memory of an
        // instance holds what the one before it has left.
        .args(["--", "-Clink-arg=--import-memory", "-Clink-arg=--strip-all"])
        .args([
            format!("-Clink-arg=--initial-memory={}", SANDBOX_PAGES_MIN << 16),
            format!("-Clink-arg=--max-memory={}", SANDBOX_PAGES_MAX << 16),
        ])
        .edit(|command| toolchain.apply_with(simd, command))
        .hint("The compiler's message above says why")
        .quietly()?;
    Ok(wasm::built(PACKAGE))
}
