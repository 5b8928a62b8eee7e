//! Where the time of our own engine goes, by class of layer. The module is another one than that
//! of the benchmark, because reading the clock takes time.

use serde_json::{Value, json};

use super::engines::OwnEngine;
use super::{Effort, Material, OWN_LAYERS, shards};
use crate::v8::V8;

/// Layers of one kind.
pub(super) struct Class {
    pub(super) name: String,
    /// Of one embedding, the least of several.
    pub(super) ms: f64,
    /// Multiply-accumulates of one embedding in millions.
    pub(super) mmacs: f64,
}

impl Class {
    pub(super) fn json(&self) -> Value {
        let Self { name, ms, mmacs } = self;
        json!({ "class": name, "ms": ms, "mmacs": mmacs, "gmacs": mmacs / ms })
    }
}

pub(super) fn run(
    material: &Material,
    effort: Effort,
    engine: &OwnEngine,
) -> anyhow::Result<Vec<Class>> {
    let name = OWN_LAYERS.name;
    let mut v8 = V8::start()?;
    v8.open(name, &material.own_layers)?;
    v8.load(name, &shards(), engine.variant)?;
    v8.embed(name, &material.tensor, effort.warm_up)?;
    let mut classes = Vec::new();
    while v8.call(name, "class_name", &[classes.len() as f64])?.0 != 0.0 {
        classes.push(Class { name: v8.text(name)?, ms: f64::INFINITY, mmacs: 0.0 });
    }
    for _ in 0..effort.rounds {
        v8.call(name, "reset_times", &[])?;
        let runs = v8.embed(name, &material.tensor, 1)?;
        material.golden.check(name, &runs.embedding, engine.cosine_min)?;
        for (index, class) in classes.iter_mut().enumerate() {
            let index = index as f64;
            class.ms = class.ms.min(v8.call(name, "class_ms", &[index])?.0);
            class.mmacs = v8.call(name, "class_macs", &[index])?.0 / 1e6;
        }
    }
    // Only the engine in integers rounds.
    classes.retain(|class| class.ms > 0.0);
    Ok(classes)
}
