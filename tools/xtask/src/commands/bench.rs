//! `cargo xtask bench`: how fast the engines are, against each other and against onnxruntime-web;
//! how long a cold server takes; how many people a server serves; and how long a photograph takes.
//!
//! The machine may be busy with other things. So all engines take turns in one run of V8, and
//! ratios and minima count.

mod browser;
mod capacity;
mod cold;
mod contestants;
mod engines;
mod instructions;
mod layers;
mod native;
mod photographs;
mod report;
mod workerd;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use testbed::golden::Golden;

use self::contestants::Field;
use self::engines::OWN_ENGINES;
use self::report::Report;
use self::workerd::Server;
use super::{build, weights};
use crate::project;
use crate::setup::checkpoint::Checkpoint;
use crate::setup::engines::Engine;
use crate::setup::wasm::{self, Simd};
use crate::setup::{golden, npm, onnx};
use crate::v8::{CHECKED, V8, WITHOUT_VNNI};

/// Measures the engines against each other, and the server.
#[derive(Args)]
pub(crate) struct Options {
    /// Measures this alone.
    #[arg(value_enum)]
    part: Option<Part>,
    /// Only shows that the benchmarks work, and leaves out Burn.
    #[arg(long)]
    quick: bool,
    /// With Burn all the same, which takes minutes to compile.
    #[arg(long, requires = "quick")]
    burn: bool,
    /// Writes the figures to a file too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What can be measured alone.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The engines, and ours in the Worker.
    Engines,
    /// The first embedding of a server whose weights come as slowly as from R2.
    Cold,
    /// Embeddings a second for many people.
    Capacity,
    /// A whole photograph, beside the page's detector in Chromium.
    Photographs,
}

/// How often each thing is measured.
#[derive(Clone, Copy)]
struct Effort {
    /// Embeddings before any is measured, because V8 compiles code that runs often again.
    warm_up: u32,
    /// Measured embeddings of each contestant.
    rounds: u32,
    /// Processes in which the very first embedding is measured.
    fresh: u32,
    /// Embeddings after which the memory is looked at.
    memory: [u32; 2],
    /// Cold servers of each kind.
    cold: u32,
    /// How long people ask.
    asking: Duration,
    /// Whether Burn takes part.
    burn: bool,
}

impl Effort {
    /// Who is measured in V8.
    fn contestants(self) -> impl Iterator<Item = (usize, &'static str)> {
        let takes_part = move |name: &str| self.burn || !engines::BURN.contains(&name);
        engines::CONTESTANTS.into_iter().enumerate().filter(move |(_, name)| takes_part(name))
    }
}

const FULL: Effort = Effort {
    warm_up: 6,
    rounds: 24,
    fresh: 5,
    memory: [100, 1_000],
    cold: 7,
    asking: Duration::from_secs(10),
    burn: true,
};
const QUICK: Effort = Effort {
    warm_up: 1,
    rounds: 2,
    fresh: 1,
    memory: [5, 10],
    cold: 1,
    asking: Duration::from_secs(1),
    burn: false,
};

/// Our own engine with both of its arithmetics, as it is in the Worker.
const OWN: Engine =
    Engine { name: "cface", features: "facenet/simd", as_in_worker: false, simd: Simd::Relaxed };

/// The same, counting where its time goes.
const OWN_LAYERS: Engine = Engine {
    name: "cface-layers",
    features: "facenet/layer-times",
    as_in_worker: false,
    simd: Simd::Relaxed,
};

/// Both backends of Burn, whose SIMD library does not compile with relaxed SIMD.
const BURN: Engine = Engine {
    name: "burn",
    features: "facenet/burn-flex,facenet/burn-ndarray,facenet-worker/burn-flex",
    as_in_worker: true,
    simd: Simd::Fixed,
};

/// What is measured, built.
struct Material {
    own: PathBuf,
    own_layers: PathBuf,
    burn: Option<PathBuf>,
    onnx: PathBuf,
    golden: Golden,
    /// The golden crop as the input tensor.
    tensor: PathBuf,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let effort = if options.quick { Effort { burn: options.burn, ..QUICK } } else { FULL };
    let measures = |part| options.part.is_none_or(|only| only == part);
    let mut figures = json!({});
    if measures(Part::Engines) {
        let report = engines(options.quick, effort)?;
        print!("{report}");
        figures = report.json();
    }
    let golden = prepare_server()?;
    let mut note = |name: &str, figure: Value, text: String| {
        print!("{text}");
        figures[name] = figure;
    };
    if measures(Part::Cold) {
        let cold = cold::run(&golden, effort.cold)?;
        note("cold_ms", cold.json(), cold.to_string());
    }
    if measures(Part::Capacity) {
        let capacity = capacity::run(&golden, effort.asking)?;
        note("capacity", capacity.json(), capacity.to_string());
    }
    if measures(Part::Photographs) {
        let photographs = photographs::run(effort.rounds, effort.warm_up)?;
        note("photograph_ms", photographs.json(), photographs.to_string());
    }
    match &options.json {
        Some(file) => fs::write(file, format!("{figures:#}\n"))
            .with_context(|| format!("writing {}", file.display())),
        None => Ok(()),
    }
}

/// Measures the engines.
fn engines(quick: bool, effort: Effort) -> anyhow::Result<Report> {
    let material = prepare(effort)?;
    let mut report = Report { rounds: effort.rounds, ..Report::default() };
    report.wasm_kb = size_kb(&material.own)?;
    report.native = native::run(quick, effort)?;
    first_calls(&material, effort, &mut report)?;
    {
        let mut v8 = V8::start()?;
        let server = Server::start()?;
        report.workerd.first_embed = server.first_embed(&material.golden)?;
        let mut field = Field::open(&mut v8, &material, effort)?;
        field.measure(&server, effort, &mut report)?;
        field.memory(effort, &mut report)?;
        report.workerd.memory_mb = server.memory_mb(&material.golden, effort.memory[0])?;
    }
    report.without_vnni = instructions::with_option(WITHOUT_VNNI, &material, effort)?;
    report.checked = instructions::with_option(CHECKED, &material, effort)?;
    for (engine, layers) in OWN_ENGINES.iter().zip(&mut report.layers) {
        *layers = layers::run(&material, effort, engine)?;
    }
    Ok(report)
}

/// Builds the server and its weights, and gives the picture that is sent.
fn prepare_server() -> anyhow::Result<Golden> {
    let _lock = project::lock()?;
    let weights = || weights::ensure(Checkpoint::GOLDEN);
    build::ensure_beside(&build::Options::default(), weights)?;
    testbed::golden::all()?.into_iter().next().context("no golden crops")
}

fn prepare(effort: Effort) -> anyhow::Result<Material> {
    let _lock = project::lock()?;
    npm::ensure()?;
    weights::ensure(Checkpoint::GOLDEN)?;
    let onnx = onnx::ensure()?;
    let toolchain = wasm::ensure()?;
    let golden = testbed::golden::all()?.into_iter().next().context("no golden crops")?;
    let tensor = golden::ensure_tensors()?.join(&golden.name).with_extension("f32");
    let material = Material {
        own: OWN.ensure(&toolchain)?,
        own_layers: OWN_LAYERS.ensure(&toolchain)?,
        burn: effort.burn.then(|| BURN.ensure(&toolchain)).transpose()?,
        onnx,
        golden,
        tensor,
    };
    // The server would build it otherwise, while something else is measured.
    build::ensure(&build::Options::default())?;
    Ok(material)
}

/// The records that every engine loads.
fn shards() -> [PathBuf; 2] {
    project::shards(Checkpoint::GOLDEN.model())
}

/// The size of a module in kB, without the names of its functions, which it does not need to run.
fn size_kb(module: &Path) -> anyhow::Result<f64> {
    let bytes = fs::read(module).with_context(|| format!("reading {}", module.display()))?;
    let size = size_without_names(&bytes);
    Ok(size.with_context(|| format!("{} is no module", module.display()))? as f64 / 1e3)
}

/// A module is 8 bytes, and sections: a number of their kind, their length as LEB128, and so many
/// bytes. Kind 0 is what an engine may ignore.
fn size_without_names(module: &[u8]) -> Option<usize> {
    let (_, mut rest) = module.split_at_checked(8)?;
    let mut size = 8;
    while let [kind, after @ ..] = rest {
        let (mut length, mut bytes) = (0, 0);
        loop {
            let byte = *after.get(bytes)?;
            length |= usize::from(byte & 0x7f).checked_shl(7 * bytes as u32)?;
            bytes += 1;
            if byte < 0x80 {
                break;
            }
        }
        rest = after.get(bytes.checked_add(length)?..)?;
        size += if *kind == 0 { 0 } else { 1 + bytes + length };
    }
    Some(size)
}

/// Measures the first embedding after a module was instantiated. Each is in a new process, because
/// V8 keeps compiled code.
fn first_calls(material: &Material, effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    for _ in 0..effort.fresh {
        let mut v8 = V8::start()?;
        let [engine, ..] = OWN_ENGINES;
        v8.open(OWN.name, &material.own)?;
        v8.load(OWN.name, &shards(), engine.variant)?;
        let runs = v8.embed(OWN.name, &material.tensor, 1)?;
        material.golden.check("the first call", &runs.embedding, engine.cosine_min)?;
        report.first_call.0.extend(runs.ms);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_count() {
        let module = b"\0asm\x01\0\0\0";
        let sections = b"\x00\x03\x01aa\x01\x81\x00\x07";
        assert_eq!(size_without_names(&[&module[..], sections].concat()), Some(8 + 4));
        assert_eq!(size_without_names(&[&module[..], b"\x01\x05"].concat()), None);
        assert_eq!(size_without_names(&[&module[..], &[1; 1], &[0xff; 12]].concat()), None);
        assert_eq!(size_without_names(b"text"), None);
    }
}
