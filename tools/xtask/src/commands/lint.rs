//! `cargo xtask lint`: formatting, the house rules, types of the page's scripts, lints and
//! documentation, for the machine and for WebAssembly.

mod page;

use super::build::WORKERS;
use super::test::END_TO_END;
use crate::parallel;
use crate::project::{self, WITHOUT_BURN};
use crate::run::Run;
use crate::setup::{python, sandbox, wasm};

/// Code that only a feature brings in, but for that which needs Burn's converter.
const FEATURES: &str = "facenet/burn-ndarray,facenet/kernel-tests,facenet/layer-outputs,\
                        facenet/layer-times,evaluation/f32,testbed/tensors";

/// What runs in WebAssembly. Burn's engine is the same code there, and takes a minute to check.
const WASM_FEATURES: &str = "face-finder/find,facenet/image,facenet/kernel-tests,\
                             facenet/layer-times,facenet-worker/simd-int8";

/// Where there is Python, and how long its lines may be.
const PYTHON: &str = "onnx-to-burn/pytorch";
const PYTHON_COLUMNS: &str = "--line-length=100";

/// What clippy is told after its own options.
const DENY: [&str; 3] = ["--", "--deny", "warnings"];

pub(crate) fn run() -> anyhow::Result<()> {
    format()?;
    // The one compiles for minutes; the other one fetches packages first.
    parallel::both(house_rules, page::check)?;
    rust()?;
    documentation()?;
    web_assembly()
}

fn format() -> anyhow::Result<()> {
    Run::cargo("checking the format")
        .args(["fmt", "--all", "--check"])
        .hint("`cargo fmt --all` repairs it")
        .shown()?;
    let ruff = {
        let _lock = project::lock()?;
        python::ensure_ruff()?
    };
    let format = ["format", "--no-cache", "--isolated", PYTHON_COLUMNS, PYTHON];
    Run::new("checking the format of Python's code", &ruff)
        .args(format)
        .args(["--check", "--diff"])
        .hint(format!("`{} {}` repairs it", ruff.display(), format.join(" ")))
        .shown()
}

/// What `tidy.rs` holds. It is among the unit tests too, but those come after minutes of compiling.
fn house_rules() -> anyhow::Result<()> {
    Run::cargo("checking the house rules")
        .args(["test", "--locked", "--quiet"])
        // As the unit tests are compiled, so that they do not have to be again.
        .args(WITHOUT_BURN)
        .args(["--bin", "xtask", "tidy::"])
        .hint("The output above says which rule is broken and where")
        .shown()
}

fn rust() -> anyhow::Result<()> {
    let clippy =
        |what| Run::cargo(what).args(["clippy", "--locked", "--workspace", "--features", FEATURES]);
    clippy("linting for this machine").args(["--all-targets"]).args(DENY).shown()?;
    // All targets are only those that Cargo tests unasked.
    clippy("linting the end-to-end tests").args(END_TO_END).args(DENY).shown()
}

/// Links in the documentation lead somewhere, private ones too.
fn documentation() -> anyhow::Result<()> {
    Run::cargo("checking the documentation")
        .args(["doc", "--locked", "--workspace", "--no-deps", "--document-private-items"])
        .args(["--features", FEATURES])
        // A variable would do the same, but replace the flags of .cargo/config.toml.
        .args(["--config", r#"build.rustdocflags = ["--deny", "warnings"]"#])
        .shown()
}

fn web_assembly() -> anyhow::Result<()> {
    let toolchain = {
        let _lock = project::lock()?;
        wasm::ensure()?
    };
    let packages = WORKERS
        .iter()
        .chain(&["facenet", "face-finder", sandbox::PACKAGE])
        .flat_map(|name| ["--package", *name]);
    // Flags in the environment would replace those of .cargo/config.toml.
    Run::new("linting for WebAssembly", "cargo")
        .args(["clippy", "--locked", "--target", wasm::TRIPLE])
        .args(["--no-default-features", "--features", WASM_FEATURES])
        .args(packages)
        .args(DENY)
        .edit(|command| toolchain.apply(command))
        .shown()?;
    // What they do with an input. The fuzzer around it needs a nightly compiler.
    Run::new("linting the fuzz targets", "cargo")
        .args(["clippy", "--locked", "--manifest-path", "tests/fuzz/Cargo.toml", "--lib"])
        .args(["--target", wasm::TRIPLE])
        .arg_path("--target-dir", &wasm::target())
        .args(DENY)
        .edit(|command| toolchain.apply(command))
        .shown()
}
