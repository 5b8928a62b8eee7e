//! Our kernels natively, at the shapes of the network's convolutions.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use facenet::simd::shapes;

fn convolutions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("convolution");
    group.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
    group.sample_size(20);
    for mut layer in shapes::all() {
        // An element is a multiply-accumulate.
        group.throughput(Throughput::Elements(layer.macs));
        group.bench_function(layer.name.clone(), |bencher| {
            bencher.iter(|| black_box(layer.run()));
        });
        assert!(layer.run() >= 0.0, "{} gives no number", layer.name);
    }
}

criterion_group!(benches, convolutions);
criterion_main!(benches);
