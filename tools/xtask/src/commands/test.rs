//! `cargo xtask test`: unit tests, then the Workers in workerd and the page in a browser. Two
//! options run the tests that take long instead: those of the reference engine, and those that
//! compare with PyTorch.

use std::num::NonZero;

use clap::Args;

use super::{build, fuzz, test_hosts, test_wasm, weights};
use crate::project::WITHOUT_BURN;
use crate::run::Run;
use crate::setup::checkpoint::{self, Checkpoint};
use crate::setup::{browser, finder, npm, python, pytorch as oracle, site};
use crate::{parallel, project, stop};

/// The target of the end-to-end tests, which Cargo leaves out unless it is named.
pub(super) const END_TO_END: [&str; 2] = ["--test", "end-to-end"];

/// The model with the Burn engine's usual backend, or with both.
pub(crate) const fn burn_tests(both: bool) -> [&'static str; 4] {
    let features =
        if both { "burn-ndarray,kernel-tests,layer-outputs" } else { "kernel-tests,layer-outputs" };
    ["--package", "facenet", "--features", features]
}

/// Runs the tests.
#[derive(Args)]
pub(crate) struct Options {
    /// Tests the reference engine, Burn, instead; builds it the first time, which takes minutes.
    #[arg(long, conflicts_with = "pytorch")]
    burn: bool,
    /// With Burn's older backend too, which takes minutes more.
    #[arg(long, requires = "burn")]
    ndarray: bool,
    /// Compares with PyTorch instead; fetches several gigabytes the first time.
    #[arg(long)]
    pytorch: bool,
    /// How many pictures have to give the same embeddings on every host: extreme ones, then random
    /// ones.
    #[arg(long, value_name = "COUNT", default_value_t = 16)]
    pictures: u32,
    /// Runs only tests whose name contains this.
    filter: Option<String>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let filter = options.filter.as_deref();
    match (options.burn, options.pytorch) {
        (true, _) => burn(filter, options.ndarray),
        (_, true) => pytorch(filter),
        _ => everyday(filter, options.pictures),
    }
}

/// Everything but what needs Burn or PyTorch.
fn everyday(filter: Option<&str>, pictures: u32) -> anyhow::Result<()> {
    let browser = {
        let _lock = project::lock()?;
        let browser = browser::ensure()?;
        npm::ensure()?;
        site::ensure()?;
        finder::ensure()?;
        weights::ensure(Checkpoint::GOLDEN)?;
        browser
    };
    let with_browser = |run: Run| {
        run.env("CFACE_CHROMIUM", &browser.chromium)
            .env("CFACE_CHROMEDRIVER", &browser.chromedriver)
    };
    let is_asked = |name: &str| filter.is_none_or(|filter| name.contains(filter));
    let unit_tests = || {
        let tests = cargo_test("the unit tests", &WITHOUT_BURN, &[], filter);
        with_browser(tests).shown()
    };
    let modules = || {
        let _lock = project::lock()?;
        if is_asked(test_wasm::NAME) {
            test_wasm::build()?;
        }
        build::ensure(&build::Options::default())
    };
    // Each has stretches with one thread, and Cargo has a lock for each target.
    parallel::both(unit_tests, modules)?;
    stop::check()?;
    if is_asked(test_wasm::NAME) {
        test_wasm::run()?;
    }
    if is_asked(test_hosts::NAME) {
        test_hosts::run(pictures)?;
    }
    if is_asked("corpora") {
        fuzz::replay_corpora()?;
    }
    let graph = {
        let _lock = project::lock()?;
        checkpoint::ensure(Checkpoint::GOLDEN, false)?
    };
    with_browser(cargo_test("the end-to-end tests", &WITHOUT_BURN, &END_TO_END, filter))
        .args(["--", "--test-threads", &end_to_end_threads().to_string()])
        .env("CFACE_XTASK", std::env::current_exe()?)
        .env("CFACE_GRAPH", graph)
        .shown()
}

/// How many end-to-end tests run at once. A test waits for its server, its browser or a deadline
/// for a third of its time, so there are half as many again as processors.
fn end_to_end_threads() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    processors + processors.div_ceil(2)
}

/// The reference engine: natively, and in the Worker.
fn burn(filter: Option<&str>, both: bool) -> anyhow::Result<()> {
    {
        let _lock = project::lock()?;
        npm::ensure()?;
        weights::ensure(Checkpoint::GOLDEN)?;
    }
    let tests = || cargo_test("the tests with Burn", &burn_tests(both), &[], filter);
    // For WebAssembly, Burn is compiled by one processor.
    let compile = || tests().args(["--no-run"]).quietly();
    let build = || {
        let _lock = project::lock()?;
        build::ensure(&build::Options::of(build::Engine::BurnFlex))?;
        build::ensure(&build::Options { drill: true, ..build::Options::default() })
    };
    parallel::both(compile, build)?;
    stop::check()?;
    tests().shown()?;
    // They are marked as ignored, because they need these builds.
    cargo_test("the end-to-end tests with Burn", &WITHOUT_BURN, &END_TO_END, filter)
        .args(["--", "--ignored"])
        .env("CFACE_XTASK", std::env::current_exe()?)
        .shown()
}

/// Weights and code through PyTorch and ONNX, against those of the checkpoint.
fn pytorch(filter: Option<&str>) -> anyhow::Result<()> {
    let tests = |what: &str| {
        let selection = ["--package", "onnx-to-burn", "--features", "onnx"];
        cargo_test(what, &selection, &[], filter)
    };
    let prepare = || {
        // It takes minutes and has a lock of its own, so other commands need not wait for it.
        python::ensure_pytorch()?;
        let _lock = project::lock()?;
        weights::ensure(Checkpoint::GOLDEN)?;
        if filter.is_none_or(|filter| "golden outputs".contains(filter)) {
            oracle::golden(true)?;
        }
        let graph = checkpoint::ensure(Checkpoint::GOLDEN, false)?;
        Ok((oracle::ensure_onnx()?, oracle::ensure_state_dicts()?, graph))
    };
    // The one waits for the network and the disk, the other one for the processors.
    let compile = || tests("compiling the tests with PyTorch").args(["--no-run"]).quietly();
    let ((onnx, state_dicts, graph), ()) = parallel::both(prepare, compile)?;
    stop::check()?;
    tests("the tests with PyTorch")
        .env("CFACE_ONNX_DIR", onnx)
        .env("CFACE_STATE_DICTS", state_dicts)
        .env("CFACE_GRAPH", graph)
        .shown()
}

/// The tests of a selection of packages: of one target, or of all that Cargo tests unasked.
fn cargo_test(what: &str, selection: &[&str], target: &[&str], filter: Option<&str>) -> Run {
    Run::cargo(what)
        .args(["test", "--locked"])
        .args(selection)
        .args(target)
        .args(filter)
        .env("CFACE_WEIGHTS", project::weights(Checkpoint::GOLDEN.model()))
        .env("CFACE_FINDER", finder::file())
        .hint("The output above says which test and why")
}
