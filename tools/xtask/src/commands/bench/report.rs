//! The figures, as a table and as JSON. Where a time stands alone it is the least of several,
//! because the machine's other work only adds to it.

use std::fmt;

use facenet::Shard;
use facenet::layers::Layer;
use serde_json::{Map, Value, json};

use super::engines::{BURN, CONTESTANTS, OWN_ENGINES};
use super::layers::Class;

/// The runtime that a project like this would use otherwise, among the contestants.
const RIVAL: usize = CONTESTANTS.len() - 1;

/// Who is measured natively.
pub(super) const NATIVE: [&str; 4] = ["cface", "cface-simd", BURN[0], BURN[1]];

/// What stands in the place of the figures of who takes no part in a quick run.
const LEFT_OUT: &str = "  takes minutes to compile: --quick --burn";

/// Milliseconds of several runs.
#[derive(Clone, Default)]
pub(super) struct Sample(pub(super) Vec<f64>);

impl Sample {
    pub(super) fn min(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub(super) fn median(&self) -> f64 {
        self.share(0.5)
    }

    /// The time that this share of the runs did not exceed.
    pub(super) fn share(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get((sorted.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN)
    }

    pub(super) fn json(&self) -> Value {
        json!({ "min": rounded(self.min()), "median": rounded(self.median()) })
    }
}

/// All that was measured.
#[derive(Default)]
pub(super) struct Report {
    pub(super) rounds: u32,
    /// As [`CONTESTANTS`].
    pub(super) embed: [Sample; CONTESTANTS.len()],
    /// CPU time, which leaves out the time in which other programs had the processor.
    pub(super) embed_cpu: [Sample; CONTESTANTS.len()],
    /// As [`CONTESTANTS`].
    pub(super) memory_mb: [f64; CONTESTANTS.len()],
    /// Our own engine's after so many embeddings.
    pub(super) own_memory_mb: Vec<(u32, f64)>,
    pub(super) first_call: Sample,
    /// Billions of multiply-accumulates in a second, measured again and again.
    pub(super) peak_gmacs: Vec<f64>,
    pub(super) wasm_kb: f64,
    pub(super) workerd: Workerd,
    /// As [`OWN_ENGINES`].
    pub(super) layers: [Vec<Class>; OWN_ENGINES.len()],
    /// The same as on a processor without AVX-VNNI.
    pub(super) without_vnni: [Sample; OWN_ENGINES.len()],
    /// The same where addresses are checked by instructions, as in workerd.
    pub(super) checked: [Sample; OWN_ENGINES.len()],
    /// As [`NATIVE`].
    pub(super) native: [Sample; NATIVE.len()],
}

/// Our engine in the Worker.
#[derive(Default)]
pub(super) struct Workerd {
    /// The very first request of a cold server.
    pub(super) first_embed: f64,
    pub(super) embed: Sample,
    pub(super) empty: Sample,
    pub(super) memory_mb: f64,
}

impl Workerd {
    fn net(&self) -> f64 {
        self.embed.min() - self.empty.min()
    }
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// An object of one value per name.
fn by_name(names: &[&str], values: impl IntoIterator<Item = Value>) -> Value {
    let names = names.iter().map(|&name| name.to_owned());
    Value::Object(names.zip(values).collect::<Map<_, _>>())
}

impl Report {
    fn own(&self) -> f64 {
        self.embed[0].min()
    }

    fn peak(&self) -> f64 {
        self.peak_gmacs.iter().copied().fold(0.0, f64::max)
    }

    /// Milliseconds of direct convolutions that reach the peak.
    fn direct_ms(&self) -> f64 {
        let macs: u64 = Shard::ALL.map(Shard::layers).concat().iter().map(Layer::macs).sum();
        macs as f64 / 1e6 / self.peak()
    }

    fn natively(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "\nOne embedding natively, one thread")?;
        for (name, sample) in NATIVE.iter().zip(&self.native) {
            if sample.0.is_empty() {
                writeln!(out, "{name:18}{LEFT_OUT}")?;
                continue;
            }
            let (min, ratio) = (sample.min(), sample.min() / self.native[0].min());
            writeln!(out, "{name:18}{min:10.1}{:10.1}{ratio:10.2}", sample.median())?;
        }
        Ok(())
    }

    /// Where the time of our own engines goes.
    fn layers(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (engine, layers) in OWN_ENGINES.iter().zip(&self.layers) {
            writeln!(out, "\n{:18}{:>10}{:>10}{:>10}", engine.name, "ms", "MMAC", "GMAC/s")?;
            for Class { name, ms, mmacs } in layers {
                writeln!(out, "{name:18}{ms:10.1}{mmacs:10.0}{:10.1}", mmacs / ms)?;
            }
        }
        Ok(())
    }

    /// How our own engines compare with the runtime that one would use otherwise.
    fn beside_rival(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rival = self.embed[RIVAL].min();
        for (i, engine) in OWN_ENGINES.iter().enumerate() {
            let what = format!("{} / onnxruntime-web", engine.name);
            line(out, &what, self.embed[i].min() / rival, engine.goal)?;
            let without = self.without_vnni[i].min();
            line(out, "the same without AVX-VNNI", without / rival, engine.goal_without_vnni)?;
        }
        Ok(())
    }

    /// How our own engine compares with itself in another host.
    fn in_workerd(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(
            out,
            "cface in workerd / in Node",
            self.workerd.net() / self.own(),
            "at most 1.15: pictures are decoded, and addresses checked",
        )?;
        line(
            out,
            "checked addresses in Node / unchecked",
            self.checked[0].min() / self.own(),
            "their part of that",
        )
    }

    /// The same figures for programs.
    pub(super) fn json(&self) -> Value {
        let minima = |samples: &[Sample]| -> Vec<Value> {
            samples.iter().map(|sample| rounded(sample.min()).into()).collect()
        };
        let medians = self.embed.iter().map(|sample| rounded(sample.median()).into());
        let own_memory = self.own_memory_mb.first().map_or(f64::NAN, |(_, megabytes)| *megabytes);
        let mut memory = self.memory_mb;
        memory[0] = own_memory;
        let after: Map<_, _> = self
            .own_memory_mb
            .iter()
            .map(|(count, megabytes)| (count.to_string(), rounded(*megabytes).into()))
            .collect();
        let own = OWN_ENGINES.map(|engine| engine.name);
        let layers = self.layers.iter().map(|classes| classes.iter().map(Class::json).collect());
        json!({
            "embed_ms": by_name(&CONTESTANTS, minima(&self.embed)),
            "embed_ms_median": by_name(&CONTESTANTS, medians),
            "embed_cpu_ms": by_name(&CONTESTANTS, minima(&self.embed_cpu)),
            "wasm_memory_mb": by_name(&CONTESTANTS, memory.map(|value| rounded(value).into())),
            "wasm_memory_mb_after": after,
            "fma_peak_gmacs": rounded(self.peak()),
            "direct_ms": rounded(self.direct_ms()),
            "first_call_ms": { "cface": rounded(self.first_call.min()) },
            "first_call_ms_median": { "cface": rounded(self.first_call.median()) },
            "wasm_kb": { "cface": rounded(self.wasm_kb) },
            "workerd_ms": {
                "embed": self.workerd.embed.json(),
                "empty": self.workerd.empty.json(),
                "difference": rounded(self.workerd.net()),
                "first_embed": rounded(self.workerd.first_embed),
            },
            "workerd_memory_mb": rounded(self.workerd.memory_mb),
            "layers": by_name(&own, layers),
            "embed_ms_without_vnni": by_name(&own, minima(&self.without_vnni)),
            "embed_ms_checked": by_name(&own, minima(&self.checked)),
            "native_ms": by_name(&NATIVE, minima(&self.native)),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = self.own();
        writeln!(out, "\nOne embedding in V8, one thread, {} rounds", self.rounds)?;
        writeln!(
            out,
            "{:18}{:>10}{:>10}{:>10}{:>11}{:>10}",
            "", "min ms", "median", "ratio", "memory MB", "CPU ms"
        )?;
        for (i, name) in CONTESTANTS.iter().enumerate() {
            if self.embed[i].0.is_empty() {
                writeln!(out, "{name:18}{LEFT_OUT}")?;
                continue;
            }
            let (min, median) = (self.embed[i].min(), self.embed[i].median());
            let (ratio, memory, cpu) = (min / own, self.memory_mb[i], self.embed_cpu[i].min());
            writeln!(out, "{name:18}{min:10.1}{median:10.1}{ratio:10.2}{memory:11.1}{cpu:10.1}")?;
        }
        let Workerd { embed, empty, first_embed, memory_mb } = &self.workerd;
        let net = self.workerd.net();
        let median = embed.median() - empty.median();
        let ratio = net / own;
        writeln!(
            out,
            "{:18}{net:10.1}{median:10.1}{ratio:10.2}{memory_mb:11.1}",
            "cface in workerd"
        )?;
        writeln!(out, "  POST /embed {:.1} ms less an empty one {:.1}", embed.min(), empty.min())?;

        self.natively(out)?;
        self.layers(out)?;

        let (first, peak) = (self.first_call.min(), self.peak());
        writeln!(out, "\nGoals are for an idle machine; nothing fails when one is missed")?;
        self.beside_rival(out)?;
        let [cpu, .., rival] = &self.embed_cpu;
        line(out, "cface by CPU time", cpu.min() / rival.min(), OWN_ENGINES[0].goal)?;
        line(out, "multiply-adds at most, GMAC/s", peak, "")?;
        line(
            out,
            "cface / direct convolution at it",
            own / self.direct_ms(),
            "below 1: by integers and Winograd",
        )?;
        line(
            out,
            "first call / later ones",
            first / own,
            "at most 3: V8 compiles what runs often again",
        )?;
        line(out, "first call, ms", first, "")?;
        self.in_workerd(out)?;
        line(out, "first POST /embed, ms", *first_embed, "at most 1000: it loads the weights")?;
        for (count, memory) in &self.own_memory_mb {
            let what = format!("memory after {count} embeddings, MB");
            line(out, &what, *memory, "at most 64: an isolate has 128 in all")?;
        }
        line(out, "module, kB", self.wasm_kb, "")?;
        let [own, _, burn, _] = &self.native;
        if burn.0.is_empty() {
            return Ok(());
        }
        line(
            out,
            "native cface / burn-flex",
            own.min() / burn.min(),
            "at most 1: our own engine is not the slower one",
        )
    }
}

pub(super) fn line(
    out: &mut fmt::Formatter<'_>,
    what: &str,
    value: f64,
    goal: &str,
) -> fmt::Result {
    writeln!(out, "{what:38}{value:10.2}  {goal}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_and_the_middle() {
        let sample = Sample(vec![3.0, 1.0, 2.0, 9.0, 4.0]);
        assert!((sample.min() - 1.0).abs() < 1e-9);
        assert!((sample.median() - 3.0).abs() < 1e-9);
        assert!((sample.share(0.9) - 9.0).abs() < 1e-9);
    }

    #[test]
    fn programs_find_what_they_look_for() {
        let json = Report::default().json();
        for key in ["embed_ms", "wasm_memory_mb"] {
            for name in CONTESTANTS {
                assert!(json[key].get(name).is_some(), "{key}.{name}");
            }
        }
        assert!(json.get("fma_peak_gmacs").is_some());
        assert!(json["first_call_ms"].get("cface").is_some());
        assert!(json["wasm_kb"].get("cface").is_some());
    }
}
