//! `cargo xtask test`: unit tests, then the Workers in workerd and the page in a browser. With
//! `--pytorch`, the comparison of the weights and the generated code with PyTorch's instead.

use clap::Args;

use super::{build, test_wasm, weights};
use crate::run::Run;
use crate::setup::checkpoint::{self, Checkpoint};
use crate::setup::{browser, npm, pytorch as oracle, site};
use crate::{project, stop};

/// Everything but the end-to-end tests, with both backends of the Burn engine: the default and
/// the one that a feature adds.
pub(crate) const UNIT_TESTS: [&str; 5] = [
    "--workspace",
    "--exclude",
    "tests",
    "--features",
    "facenet/burn-ndarray,facenet/kernel-tests,facenet/layer-outputs",
];

/// The model that the tests know the right answers of.
pub(crate) const MODEL: Checkpoint = Checkpoint::CasiaWebface;

/// The end-to-end test of the Worker with Burn.
const BURN_TEST: &str = "engines::burn_in_the_worker_gives_the_golden_embeddings";

/// Runs the tests.
#[derive(Args)]
pub(crate) struct Options {
    /// Compares with PyTorch instead; fetches several gigabytes the first time.
    #[arg(long)]
    pytorch: bool,
    /// Runs only tests whose name contains this.
    filter: Option<String>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let filter = options.filter.as_deref();
    if options.pytorch { pytorch(filter) } else { everyday(filter) }
}

/// Everything but what needs PyTorch.
fn everyday(filter: Option<&str>) -> anyhow::Result<()> {
    let (browser, graph) = {
        let _lock = project::lock()?;
        weights::ensure(MODEL)?;
        npm::ensure()?;
        site::ensure()?;
        (browser::ensure()?, checkpoint::ensure(MODEL, false)?)
    };
    let with_browser = |run: Run| {
        run.env("CFACE_CHROMIUM", &browser.chromium)
            .env("CFACE_CHROMEDRIVER", &browser.chromedriver)
    };
    with_browser(cargo_test("the unit tests", filter, &UNIT_TESTS)).shown()?;
    if filter.is_none_or(|filter| "webassembly".contains(filter)) {
        test_wasm::run()?;
    }
    {
        let _lock = project::lock()?;
        build::ensure(&build::Options::default())?;
        // The reference engine in the Worker; its build takes minutes, so only when it is tested.
        if filter.is_none_or(|filter| BURN_TEST.contains(filter)) {
            build::ensure(&build::Options::of(build::Engine::BurnFlex))?;
        }
    }
    with_browser(cargo_test("the end-to-end tests", filter, &["--package", "tests"]))
        .env("CFACE_XTASK", std::env::current_exe()?)
        .env("CFACE_GRAPH", graph)
        .shown()
}

/// Weights and code through PyTorch and ONNX, against those of the checkpoint.
fn pytorch(filter: Option<&str>) -> anyhow::Result<()> {
    let (onnx, state_dicts, graph) = {
        let _lock = project::lock()?;
        weights::ensure(MODEL)?;
        if filter.is_none_or(|filter| "golden outputs".contains(filter)) {
            oracle::golden(true)?;
        }
        (oracle::ensure_onnx()?, oracle::ensure_state_dicts()?, checkpoint::ensure(MODEL, false)?)
    };
    stop::check()?;
    let selection = ["--package", "onnx-to-burn", "--features", "onnx"];
    cargo_test("the tests with PyTorch", filter, &selection)
        .env("CFACE_ONNX_DIR", onnx)
        .env("CFACE_STATE_DICTS", state_dicts)
        .env("CFACE_GRAPH", graph)
        .shown()
}

fn cargo_test(what: &str, filter: Option<&str>, selection: &[&str]) -> Run {
    Run::cargo(what)
        .args(["test", "--locked"])
        .args(selection)
        .args(filter)
        .env("CFACE_WEIGHTS", project::weights(MODEL.model()))
        .hint("The output above says which test and why")
}
