//! `cargo xtask lint`: formatting and lints, for the machine and for WebAssembly.

use crate::project;
use crate::run::Run;
use crate::setup::wasm;

/// Code that only a feature brings in, but for that which needs Burn's converter.
const FEATURES: &str = "facenet/burn-ndarray,facenet/kernel-tests,facenet/layer-outputs,\
                        facenet/layer-times,evaluation/f32";

/// The same of what runs in WebAssembly.
const WASM_FEATURES: &str = "facenet/kernel-tests,facenet/layer-times";

pub(crate) fn run() -> anyhow::Result<()> {
    Run::cargo("checking the format")
        .args(["fmt", "--all", "--check"])
        .hint("`cargo fmt --all` repairs it")
        .shown()?;
    // Flags in the environment would replace those of .cargo/config.toml.
    let deny = ["--", "--deny", "warnings"];
    Run::cargo("linting for this machine")
        .args(["clippy", "--locked", "--workspace", "--all-targets", "--features", FEATURES])
        .args(deny)
        .shown()?;
    let toolchain = {
        let _lock = project::lock()?;
        wasm::ensure()?
    };
    let packages =
        project::WORKERS.iter().chain(&["facenet"]).flat_map(|name| ["--package", *name]);
    Run::new("linting for WebAssembly", "cargo")
        .args(["clippy", "--locked", "--target", wasm::TRIPLE, "--features", WASM_FEATURES])
        .args(packages)
        .args(deny)
        .edit(|command| toolchain.apply(command))
        .shown()
}
