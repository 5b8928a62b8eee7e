//! The sandbox: the module in which the public Worker reads what callers send, and the entry that
//! gives it to the Worker.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use testbed::wrangler::npm_program;
use wire::limits::{SANDBOX_PAGES_MAX, SANDBOX_PAGES_MIN};

use super::wasm::{self, Simd, Toolchain, WASM_OPT};
use crate::project;
use crate::run::Run;

/// The package of the module.
pub(crate) const PACKAGE: &str = "sandbox";

/// The file of the public Worker that imports the module. A copy lies beside what worker-build
/// makes, and is the Worker's main module.
pub(crate) const ENTRY: &str = "entry.js";

/// Builds the module, and puts it and the entry beside the Worker.
pub(crate) fn ensure(
    toolchain: &Toolchain,
    simd: Simd,
    worker: &Path,
    build: &Path,
) -> anyhow::Result<()> {
    self::build(toolchain, simd, &build.join(PACKAGE).with_extension("wasm"))?;
    fs::copy(worker.join(ENTRY), build.join(ENTRY)).context("copying the Worker's entry")?;
    Ok(())
}

/// Builds the module into a file.
pub(crate) fn build(toolchain: &Toolchain, simd: Simd, module: &Path) -> anyhow::Result<()> {
    let target = project::root().join("target");
    Run::cargo("building the sandbox for WebAssembly")
        .args(["rustc", "--release", "--locked", "--package", PACKAGE, "--lib"])
        .args(["--target", wasm::TRIPLE])
        .arg_path("--target-dir", &target)
        // The linker then also writes code that clears what begins as zeros: the memory of an
        // instance holds what the one before it has left.
        .args(["--", "-Clink-arg=--import-memory"])
        .args([
            format!("-Clink-arg=--initial-memory={}", SANDBOX_PAGES_MIN << 16),
            format!("-Clink-arg=--max-memory={}", SANDBOX_PAGES_MAX << 16),
        ])
        .edit(|command| toolchain.apply_with(simd, command))
        .hint("The compiler's message above says why")
        .quietly()?;
    let built = target.join(wasm::TRIPLE).join("release").join(PACKAGE).with_extension("wasm");
    Run::new("optimising the sandbox", npm_program("wasm-opt"))
        .args(WASM_OPT)
        .args(["-O2", "--strip-debug"])
        .arg_path("-o", module)
        .args([built])
        .quietly()
}
