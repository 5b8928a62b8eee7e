//! Cargo tools, built once into the user's cache: those that build Workers at the versions that
//! Cargo.lock names, those that check the project at versions named here.

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
        wasm_bindgen: install("wasm-bindgen-cli", "wasm-bindgen", &wasm_bindgen, &[])?,
        worker_build: install("worker-build", "worker-build", &worker, &[])?,
    })
}

/// The fuzzer's front end.
const FUZZ: (&str, &str) = ("cargo-fuzz", "0.13.2");

/// The checker of dependencies.
const DENY: (&str, &str) = ("cargo-deny", "0.20.2");

/// Builds the fuzzer's front end if it is missing.
pub(crate) fn ensure_fuzz() -> anyhow::Result<PathBuf> {
    let (package, version) = FUZZ;
    install(package, package, version, &[])
}

/// Builds the checker of dependencies if it is missing. Unoptimised: that takes a minute instead
/// of several, and it has little to do.
pub(crate) fn ensure_deny() -> anyhow::Result<PathBuf> {
    let (package, version) = DENY;
    install(package, package, version, &["--debug"])
}

fn install(
    package: &str,
    program: &str,
    version: &str,
    options: &[&str],
) -> anyhow::Result<PathBuf> {
    let root = project::cache()?.join("tools").join(format!("{package}-{version}"));
    let program = root.join("bin").join(program);
    // Other clones want the same, and building it twice at once takes twice as long.
    let lock = project::cache()?.join("tools.lock");
    let _lock = project::lock_file(&lock, "waiting for another clone's tools")?;
    if program.is_file() {
        return Ok(program);
    }
    let what = format!("building {package} {version}");
    let cargo = || {
        Run::cargo(&what)
            .args(["install", package, "--version", version])
            .args(options)
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
