//! Every layer of every engine against the golden outputs.

#[cfg(feature = "burn")]
use facenet::burn::{self, Backend};
use facenet::outputs::golden::{self, Difference};
use facenet::outputs::record;
use facenet::{Part, simd};

use crate::golden as crops;

const MODEL: &str = "casia-webface";

/// The largest difference of an engine, in units of a layer's standard deviation. Rounding the
/// weights to float16 changes every layer by ten times as much.
const DIFFERENCE_MAX: f64 = 1e-4;

/// The largest root mean square of an engine's differences, in the same units. All compute in
/// float32, over sums of up to 3,456 products and 134 layers on end.
const RMS_MAX: f64 = 1e-5;

/// Runs a shard: numbers in, numbers out.
type Run = Box<dyn Fn(&[f32]) -> Option<Vec<f32>>>;

fn simd_shard(part: Part) -> Run {
    let bytes = crops::record(part);
    let mut loader = simd::Loader::new(part, MODEL, bytes.len()).unwrap();
    loader.push(&bytes).unwrap();
    let shard = loader.finish().unwrap();
    Box::new(move |input| shard.run(input))
}

#[cfg(feature = "burn")]
fn burn_shard(part: Part, backend: Backend) -> Run {
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
        ("simd", Part::ALL.map(simd_shard)),
        #[cfg(feature = "burn-flex")]
        ("burn-flex", Part::ALL.map(|part| burn_shard(part, Backend::Flex))),
        #[cfg(feature = "burn-ndarray")]
        ("burn-ndarray", Part::ALL.map(|part| burn_shard(part, Backend::NdArray))),
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
            let fits = difference.worst() <= DIFFERENCE_MAX && difference.rms <= RMS_MAX;
            assert!(fits, "{engine}, {}: {difference:?}", layer.name);
        }
    }
}

#[test]
fn a_wrong_value_anywhere_is_noticed() {
    let golden = golden::read(include_str!("golden/activations.txt")).unwrap();
    let [shard1, _] = Part::ALL.map(simd_shard);
    let (_, outputs) = record(|| shard1(&crops::face(golden::CROP).input()).unwrap());
    for (layer, output) in golden.iter().zip(&outputs).step_by(7) {
        let worst = |output: &[f32]| layer.compare(output).map_or(f64::NAN, Difference::worst);
        assert!(worst(output) <= DIFFERENCE_MAX);
        let mut wrong = output.clone();
        // A pixel in the last corner of the last channel, too large by a standard deviation.
        *wrong.last_mut().unwrap() += 1.0;
        assert!(worst(&wrong) > DIFFERENCE_MAX, "{}", layer.name);
        wrong.swap(1, 2);
        wrong.copy_from_slice(output);
        wrong.rotate_right(1);
        assert!(worst(&wrong) > DIFFERENCE_MAX, "{}", layer.name);
        wrong[0] = f32::NAN;
        assert!(worst(&wrong) > DIFFERENCE_MAX, "{}", layer.name);
        assert!(layer.compare(&output[1..]).is_err());
    }
}
