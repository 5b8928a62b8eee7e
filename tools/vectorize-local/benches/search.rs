//! How long the search takes among 10,000 vectors of 512 numbers, natively, on one thread: the
//! whole of a query from the bytes of its request to the answer, and the search alone.

#![expect(clippy::unwrap_used, reason = "a benchmark ends at once")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::json;
use vectorize_local::{
    config::Config,
    index::{Change, Index, Scope, Vector},
    metric::Metric,
    wire::{self, Command},
};

const VECTORS: usize = 10_000;
const DIMENSIONS: usize = 512;

/// Numbers from -1 to 1 that look random and are the same in every run.
fn values(seed: usize) -> Vec<f32> {
    let mut state = seed as u32 ^ 0x9e37_79b9;
    let mut number = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..DIMENSIONS).map(|_| number()).collect()
}

fn filled(metric: Metric) -> Index {
    let mut index = Index::new(Config::new(DIMENSIONS, metric));
    for seed in 0..VECTORS {
        index.apply(Change::Put(Vector {
            id: format!("vector-{seed}"),
            values: values(seed),
            namespace: Some("all".into()),
            metadata: None,
            indexed: serde_json::Map::new(),
        }));
    }
    index
}

fn search(c: &mut Criterion) {
    let query = values(VECTORS);
    for (name, metric) in [
        ("euclidean", Metric::Euclidean),
        ("cosine", Metric::Cosine),
        ("dot-product", Metric::DotProduct),
    ] {
        let index = filled(metric);
        let nearest = index.nearest(&values(4321), Scope::default(), 5);
        assert_eq!(nearest[0].vector.id, "vector-4321");
        c.bench_function(&format!("nearest 5 of 10,000 x 512, {name}"), |b| {
            b.iter(|| index.nearest(black_box(&query), Scope::default(), 5));
        });
    }
    let index = filled(Metric::Euclidean);
    let body = json!({"vector": query, "topK": 5, "namespace": "all"}).to_string();
    c.bench_function("query among 10,000 x 512, from request to answer", |b| {
        b.iter(|| {
            let command = wire::read("query", false, black_box(body.as_bytes()), index.config());
            let Ok(Command::Query(query)) = command else { unreachable!("a good query") };
            query.answer(&index).unwrap().to_string()
        });
    });
    let mut index = filled(Metric::Euclidean);
    let replaced = index.get("vector-77").unwrap();
    c.bench_function("upsert of one among 10,000 x 512", |b| {
        b.iter(|| index.apply(Change::Put(black_box(replaced.clone()))));
    });
}

criterion_group!(benches, search);
criterion_main!(benches);
