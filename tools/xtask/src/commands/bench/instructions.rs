//! Our own engines where V8 uses other instructions than it would on this machine.

use super::engines::OWN_ENGINES;
use super::report::Sample;
use super::{Effort, Material, shards};
use crate::v8::V8;

/// Measures each of our own engines in a V8 with an option.
pub(super) fn with_option(
    option: &str,
    material: &Material,
    effort: Effort,
) -> anyhow::Result<[Sample; OWN_ENGINES.len()]> {
    let mut v8 = V8::start_with(&[option])?;
    for engine in OWN_ENGINES {
        v8.open(engine.name, &material.own)?;
        v8.load(engine.name, &shards(), engine.variant)?;
        v8.embed(engine.name, &material.tensor, effort.warm_up)?;
    }
    let mut samples: [Sample; OWN_ENGINES.len()] = Default::default();
    for _ in 0..effort.rounds {
        for (engine, sample) in OWN_ENGINES.iter().zip(&mut samples) {
            let runs = v8.embed(engine.name, &material.tensor, 2)?;
            material.golden.check(engine.name, &runs.embedding, engine.cosine_min)?;
            sample.0.extend(runs.ms.get(1..).unwrap_or_default());
        }
    }
    Ok(samples)
}
