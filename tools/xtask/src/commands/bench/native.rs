//! The benchmarks that Cargo runs natively: the engines, and our kernels.

use std::fs;

use anyhow::Context as _;
use serde_json::Value;

use super::Effort;
use super::engines::BURN;
use super::report::{NATIVE, Sample};
use crate::commands::test;
use crate::project::{self, WITHOUT_BURN};
use crate::run::Run;
use crate::setup::checkpoint::Checkpoint;
use crate::setup::engines;

/// Runs them, and gives the times of the engines as the benchmark wrote them.
pub(super) fn run(quick: bool, effort: Effort) -> anyhow::Result<[Sample; NATIVE.len()]> {
    let file = engines::folder()?.join("native.json");
    // In the profile of the tests, which optimises the model and its dependencies, and with the
    // same features: building all of it a second time would take longer than the rest.
    let selection = if effort.burn { test::burn_tests(true) } else { WITHOUT_BURN };
    let bench = |what: &str, name: &str, arguments: &[&str]| {
        Run::cargo(what)
            .args(["bench", "--locked", "--profile", "dev", "--bench", name])
            .args(selection)
            .args(["--"])
            .args(arguments)
            .env("CFACE_WEIGHTS", project::weights(Checkpoint::GOLDEN.model()))
            .env("CFACE_BENCH_JSON", &file)
            .shown()
    };
    bench("the engines natively", "engines", if quick { &["--quick"] } else { &[] })?;
    bench("the kernels natively", "kernels", if quick { &["--test"] } else { &[] })?;
    let text = fs::read_to_string(&file).context("the benchmark has written nothing")?;
    let json: Value = serde_json::from_str(&text)?;
    let mut samples: [Sample; NATIVE.len()] = Default::default();
    for (name, sample) in NATIVE.iter().zip(&mut samples) {
        if !effort.burn && BURN.contains(name) {
            continue;
        }
        let times = serde_json::from_value(json[name].clone());
        *sample = Sample(times.with_context(|| format!("{name} was not measured"))?);
    }
    Ok(samples)
}
