//! How long one embedding takes in each engine, natively, on one thread. The engines take turns
//! in one run, because the machine may be busy with other things; what counts is their ratio. Burn
//! takes part where it is compiled in.
//!
//! `cargo xtask bench` passes the folder with the weights in `CFACE_WEIGHTS`, and in
//! `CFACE_BENCH_JSON` the file that it wants all times in, in milliseconds.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark ends at once")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

#[cfg(feature = "burn")]
use facenet::burn::Backend;
use facenet::image::FACE_BYTES;
use facenet::simd::Simd;
use facenet::{Embedding, Engine, Face, Model, Shard};

/// Rounds in a full run and in a quick one, after one that warms up.
const ROUNDS: (usize, usize) = (20, 2);

struct Contestant {
    name: &'static str,
    embed: Box<dyn Fn(&Face) -> Embedding>,
    times: Vec<Duration>,
}

impl Contestant {
    fn new<E: Engine + 'static>(name: &'static str, engine: &E) -> Self {
        let [record1, record2] = Shard::ALL.map(record);
        let model = Model::load(engine, "casia-webface", [&record1, &record2]).unwrap();
        Self { name, embed: Box::new(move |face| model.embed(face).unwrap()), times: Vec::new() }
    }

    #[cfg(feature = "burn")]
    fn burn(backend: Backend) -> Self {
        Self::new(backend.name(), &backend)
    }
}

fn record(shard: Shard) -> Vec<u8> {
    let folder = std::env::var_os("CFACE_WEIGHTS").expect("run `cargo xtask bench`");
    std::fs::read(PathBuf::from(folder).join(shard.file())).unwrap()
}

fn milliseconds(duration: &Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let rounds = if quick { ROUNDS.1 } else { ROUNDS.0 };
    let mut contestants = [
        #[cfg(feature = "burn-flex")]
        Contestant::burn(Backend::Flex),
        #[cfg(feature = "burn-ndarray")]
        Contestant::burn(Backend::NdArray),
        Contestant::new("cface-simd", &Simd::Float),
        Contestant::new("cface", &Simd::Int8),
    ];
    // Not a face, but a picture with all values.
    let face = Face::from_rgb((0..FACE_BYTES).map(|i| (i * 7919) as u8).collect()).unwrap();
    // Burn's, or else that of our own engine in floats.
    let reference = (contestants[0].embed)(&face);
    for contestant in &contestants {
        let cosine = (contestant.embed)(&face).cosine(&reference);
        // The picture is no face, and integers are further off on one.
        let least = if contestant.name == "cface" { 0.99 } else { 0.99999 };
        assert!(cosine > least, "{} computes something else: {cosine}", contestant.name);
    }
    for _ in 0..rounds {
        for contestant in &mut contestants {
            let started = Instant::now();
            (contestant.embed)(&face);
            contestant.times.push(started.elapsed());
        }
    }
    let times = contestants.iter().map(|contestant| {
        let times: Vec<f64> = contestant.times.iter().map(milliseconds).collect();
        (contestant.name.to_owned(), times.into())
    });
    let json = serde_json::Value::Object(times.collect());
    let file = std::env::var_os("CFACE_BENCH_JSON").expect("run `cargo xtask bench`");
    std::fs::write(file, json.to_string()).unwrap();
}
