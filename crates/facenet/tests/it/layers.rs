//! Every layer of every engine against the golden outputs.

#[cfg(feature = "burn")]
use facenet::burn::{self, Backend};
use facenet::outputs::golden::{self, Difference};
use facenet::outputs::record;
use facenet::{Shard, simd};

use crate::golden as crops;

const MODEL: &str = "casia-webface";

/// Runs a shard: numbers in, numbers out.
type Run = Box<dyn Fn(&[f32]) -> Option<Vec<f32>>>;

fn simd_shard(part: Shard) -> Run {
    let bytes = crops::record(part);
    let mut loader = simd::Loader::new(part, MODEL, bytes.len()).unwrap();
    loader.push(&bytes).unwrap();
    let shard = loader.finish().unwrap();
    Box::new(move |input| shard.run(input))
}

#[cfg(feature = "burn")]
fn burn_shard(part: Shard, backend: Backend) -> Run {
    let bytes = crops::record(part);
    let loader = burn::Loader::new(part, MODEL, bytes.len()).unwrap();
    let mut loader = loader.with_backend(backend);
    loader.push(&bytes).unwrap();
    let shard = loader.finish().unwrap();
    Box::new(move |input| shard.run(input))
}

#[test]
fn every_layer_gives_the_golden_outputs() {
    let golden = golden::read(include_str!("golden/activations.txt")).unwrap();
    let engines = [
        ("simd", Shard::ALL.map(simd_shard)),
        #[cfg(feature = "burn-flex")]
        ("burn-flex", Shard::ALL.map(|part| burn_shard(part, Backend::Flex))),
        #[cfg(feature = "burn-ndarray")]
        ("burn-ndarray", Shard::ALL.map(|part| burn_shard(part, Backend::NdArray))),
    ];
    let input = crops::face(golden::CROP).input();
    let mut compared = Vec::new();
    for (name, [shard1, shard2]) in engines {
        let (_, outputs) = record(|| shard2(&shard1(&input).unwrap()).unwrap());
        compared.push((name, golden::compare(&golden, &outputs).unwrap()));
    }
    println!("{}", golden::table(&golden, &compared));
    for (engine, differences) in &compared {
        for (layer, difference) in golden.iter().zip(differences) {
            assert!(difference.is_small(), "{engine}, {}: {difference:?}", layer.name);
        }
    }
}

#[test]
fn a_wrong_value_anywhere_is_noticed() {
    let golden = golden::read(include_str!("golden/activations.txt")).unwrap();
    let [shard1, _] = Shard::ALL.map(simd_shard);
    let (_, outputs) = record(|| shard1(&crops::face(golden::CROP).input()).unwrap());
    for (layer, output) in golden.iter().zip(&outputs).step_by(7) {
        let is_right = |output: &[f32]| layer.compare(output).is_ok_and(Difference::is_small);
        assert!(is_right(output));
        let mut wrong = output.clone();
        // One value in the last corner of the last channel.
        *wrong.last_mut().unwrap() += 0.5;
        assert!(!is_right(&wrong), "{}", layer.name);
        wrong.swap(1, 2);
        wrong.copy_from_slice(output);
        wrong.rotate_right(1);
        assert!(!is_right(&wrong), "{}", layer.name);
        wrong[0] = f32::NAN;
        assert!(!is_right(&wrong), "{}", layer.name);
        assert!(layer.compare(&output[1..]).is_err());
    }
}
