//! The engines that are measured in V8, in one process.

use testbed::golden::COSINE_MIN;

use super::engines::{BURN, CONTESTANTS, OWN_ENGINES, OwnEngine};
use super::report::Report;
use super::workerd::Server;
use super::{Effort, Material, shards};
use crate::v8::V8;

const OWN: &str = CONTESTANTS[0];

/// The least cosine of a contestant with the golden embedding.
fn cosine_min(name: &str) -> f64 {
    let own = OWN_ENGINES.iter().find(|engine| engine.name == name);
    own.map_or(COSINE_MIN, |engine| engine.cosine_min)
}

/// All engines, loaded.
pub(super) struct Field<'a> {
    v8: &'a mut V8,
    material: &'a Material,
    /// How often our own engine has run.
    own_runs: u32,
}

/// Rounds of the measurement of the peak: some milliseconds.
const PEAK_ROUNDS: f64 = 200_000.0;

/// Embeddings that are measured of one engine before it is another one's turn. The embedding before
/// them is not measured, because the others have replaced what was in the processor's caches.
const IN_TURN: u32 = 2;

impl<'a> Field<'a> {
    /// Loads each engine, and lets it run until V8 has compiled all of it.
    pub(super) fn open(
        v8: &'a mut V8,
        material: &'a Material,
        effort: Effort,
    ) -> anyhow::Result<Self> {
        let [.., onnx] = CONTESTANTS;
        for OwnEngine { name, variant, .. } in OWN_ENGINES {
            v8.open(name, &material.own)?;
            v8.load(name, &shards(), variant)?;
        }
        if let Some(module) = &material.burn {
            for (variant, name) in (0..).zip(BURN) {
                v8.open(name, module)?;
                v8.load(name, &shards(), variant)?;
            }
        }
        v8.open_onnx(onnx, &material.onnx)?;
        for (_, name) in effort.contestants() {
            let runs = v8.embed(name, &material.tensor, effort.warm_up)?;
            material.golden.check(name, &runs.embedding, cosine_min(name))?;
            v8.call(OWN, "peak", &[PEAK_ROUNDS, 0.999, 0.001])?;
        }
        Ok(Self { v8, material, own_runs: effort.warm_up })
    }

    /// Measures round by round, the engines in turn.
    pub(super) fn measure(
        &mut self,
        server: &Server,
        effort: Effort,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let Self { v8, material, own_runs } = self;
        let (macs, _) = v8.call(OWN, "peak_macs", &[])?;
        for _ in 0..effort.warm_up {
            server.embed(&material.golden)?;
            server.empty()?;
        }
        for _ in 0..effort.rounds {
            for (i, name) in effort.contestants() {
                let runs = v8.embed(name, &material.tensor, 1 + IN_TURN)?;
                material.golden.check(name, &runs.embedding, cosine_min(name))?;
                report.embed[i].0.extend(runs.ms.get(1..).unwrap_or_default());
                report.embed_cpu[i].0.extend(runs.cpu_ms.get(1..).unwrap_or_default());
            }
            let (_, ms) = v8.call(OWN, "peak", &[PEAK_ROUNDS, 0.999, 0.001])?;
            report.peak_gmacs.push(macs * PEAK_ROUNDS / ms / 1e6);
            server.embed(&material.golden)?;
            for _ in 0..IN_TURN {
                report.workerd.embed.0.push(server.embed(&material.golden)?);
                report.workerd.empty.0.push(server.empty()?);
            }
        }
        *own_runs += effort.rounds * (1 + IN_TURN);
        Ok(())
    }

    /// The most memory that each has taken.
    pub(super) fn memory(&mut self, effort: Effort, report: &mut Report) -> anyhow::Result<()> {
        for count in effort.memory {
            let more = count.saturating_sub(self.own_runs);
            if more > 0 {
                self.v8.embed(OWN, &self.material.tensor, more)?;
            }
            self.own_runs += more;
            report.own_memory_mb.push((self.own_runs, self.v8.memory_bytes(OWN)? / 1e6));
        }
        for (i, name) in effort.contestants() {
            report.memory_mb[i] = self.v8.memory_bytes(name)? / 1e6;
        }
        Ok(())
    }
}
