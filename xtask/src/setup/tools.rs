//! Cargo tools that build Workers, at the versions that Cargo.lock names, built once into the
//! user's cache.

use std::path::PathBuf;

use crate::project;
use crate::run::Run;

/// The tools of a Worker build.
pub(crate) struct Tools {
    pub(crate) wasm_bindgen: PathBuf,
    pub(crate) worker_build: PathBuf,
}

/// Builds the tools that are missing.
pub(crate) fn ensure() -> anyhow::Result<Tools> {
    let wasm_bindgen = project::locked_version("wasm-bindgen")?;
    // worker-build is released together with worker, under the same version.
    let worker = project::locked_version("worker")?;
    Ok(Tools {
        wasm_bindgen: install("wasm-bindgen-cli", "wasm-bindgen", &wasm_bindgen)?,
        worker_build: install("worker-build", "worker-build", &worker)?,
    })
}

fn install(package: &str, program: &str, version: &str) -> anyhow::Result<PathBuf> {
    let root = project::cache()?.join("tools").join(format!("{package}-{version}"));
    let program = root.join("bin").join(program);
    if program.is_file() {
        return Ok(program);
    }
    let what = format!("building {package} {version}");
    let cargo = || {
        Run::cargo(&what)
            .args(["install", package, "--version", version])
            .arg_path("--root", &root)
            .hint(format!("Try by hand: cargo install {package} --version {version}"))
            // Its own folder for build results, which Cargo removes.
            .unset("CARGO_TARGET_DIR")
    };
    // A published lock file may name a version that has been withdrawn since.
    if !cargo().args(["--locked"]).attempt()? {
        eprintln!("{package} does not build with its own lock file; trying without");
        cargo().quietly()?;
    }
    Ok(program)
}
