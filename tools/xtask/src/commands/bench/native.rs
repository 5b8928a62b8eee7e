//! The benchmarks that Cargo runs natively: the engines, and our kernels.

use std::fs;

use anyhow::Context as _;
use serde_json::Value;

use super::engines::OLDER_BURN;
use super::report::{NATIVE, Sample};
use crate::commands::test;
use crate::project;
use crate::run::Run;
use crate::setup::checkpoint::Checkpoint;
use crate::setup::engines;

/// Runs them, and gives the times of the engines as the benchmark wrote them. A quick run leaves
/// out Burn's older backend.
pub(super) fn run(quick: bool) -> anyhow::Result<[Sample; NATIVE.len()]> {
    let file = engines::folder()?.join("native.json");
    // In the profile of the tests, which optimises the model and its dependencies, and with the
    // same features: building Burn a second time would take longer than the rest.
    let bench = |what: &str, name: &str, arguments: &[&str]| {
        Run::cargo(what)
            .args(["bench", "--locked", "--profile", "dev", "--bench", name])
            .args(test::burn_tests(!quick))
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
        if quick && *name == OLDER_BURN {
            continue;
        }
        let times = serde_json::from_value(json[name].clone());
        *sample = Sample(times.with_context(|| format!("{name} was not measured"))?);
    }
    Ok(samples)
}
