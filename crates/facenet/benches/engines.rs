//! How long one embedding takes in each engine, natively, on one thread. The engines take turns
//! in one run, because the machine may be busy with other things; what counts is their ratio.
//!
//! `cargo xtask bench` passes the folder with the weights in `CFACE_WEIGHTS`, and in
//! `CFACE_BENCH_JSON` the file that it wants all times in, in milliseconds.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark ends at once")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use facenet::burn::Backend;
use facenet::{Embedding, Shard, burn, simd};

/// Rounds in a full run and in a quick one, after one that warms up.
const ROUNDS: (usize, usize) = (20, 2);

/// Runs one half: numbers in, numbers out.
type Run = Box<dyn Fn(&[f32]) -> Option<Vec<f32>>>;

struct Contestant {
    name: &'static str,
    shards: [Run; 2],
    times: Vec<Duration>,
}

impl Contestant {
    fn simd() -> Self {
        let shards = Shard::ALL.map(|part| -> Run {
            let bytes = record(part);
            let mut loader = simd::Loader::new(part, "casia-webface", bytes.len()).unwrap();
            loader.push(&bytes).unwrap();
            let shard = loader.finish().unwrap();
            Box::new(move |input| shard.run(input))
        });
        Self { name: "cface", shards, times: Vec::new() }
    }

    fn burn(backend: Backend) -> Self {
        let shards = Shard::ALL.map(|part| -> Run {
            let bytes = record(part);
            let loader = burn::Loader::new(part, "casia-webface", bytes.len()).unwrap();
            let mut loader = loader.with_backend(backend);
            loader.push(&bytes).unwrap();
            let shard = loader.finish().unwrap();
            Box::new(move |input| shard.run(input))
        });
        Self { name: backend.name(), shards, times: Vec::new() }
    }

    fn embed(&self, input: &[f32]) -> Embedding {
        let boundary = self.shards[0](input).unwrap();
        Embedding::normalise(self.shards[1](&boundary).unwrap()).unwrap()
    }
}

fn record(part: Shard) -> Vec<u8> {
    let folder = std::env::var_os("CFACE_WEIGHTS").expect("run `cargo xtask bench`");
    std::fs::read(PathBuf::from(folder).join(part.file())).unwrap()
}

fn milliseconds(duration: &Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let rounds = if quick { ROUNDS.1 } else { ROUNDS.0 };
    let mut contestants =
        [Contestant::burn(Backend::Flex), Contestant::burn(Backend::NdArray), Contestant::simd()];
    // A picture of no face, but of many values.
    let input: Vec<f32> =
        (0..Shard::Shard1.input_len()).map(|i| ((i * 7919) % 256) as f32 / 128.0 - 1.0).collect();
    let reference = contestants[0].embed(&input);
    for contestant in &contestants {
        let cosine = contestant.embed(&input).cosine(&reference);
        assert!(cosine > 0.99999, "{} computes something else: {cosine}", contestant.name);
    }
    for _ in 0..rounds {
        for contestant in &mut contestants {
            let started = Instant::now();
            contestant.embed(&input);
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
