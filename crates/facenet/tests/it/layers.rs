//! Every layer of every engine against the golden outputs.

#[cfg(feature = "burn")]
use facenet::burn::Backend;
use facenet::outputs::golden::{self, Difference};
use facenet::outputs::record;
use facenet::simd::Simd;
use facenet::{Engine, Face};

use crate::golden as crops;

/// The outputs of all layers for a face.
fn outputs<E: Engine>(engine: &E, face: &Face) -> Vec<Vec<f32>> {
    let model = crops::model(engine);
    let (embedding, outputs) = record(|| model.embed(face));
    assert!(embedding.is_ok());
    outputs
}

#[test]
fn every_layer_gives_the_golden_outputs() {
    let golden = golden::read(include_str!("golden/activations.txt")).unwrap();
    let face = crops::face(golden::CROP);
    let engines = [
        ("simd", outputs(&Simd::Float, &face)),
        #[cfg(feature = "burn-flex")]
        ("burn-flex", outputs(&Backend::Flex, &face)),
        #[cfg(feature = "burn-ndarray")]
        ("burn-ndarray", outputs(&Backend::NdArray, &face)),
    ];
    let compared =
        engines.map(|(name, outputs)| (name, golden::compare(&golden, &outputs).unwrap()));
    println!("{}", golden::table(&golden, &compared));
    for (engine, differences) in &compared {
        for (layer, difference) in golden.iter().zip(differences) {
            assert!(difference.is_small(), "{engine}, {}: {difference:?}", layer.name);
        }
    }
}

/// The largest root mean square of what integers change in a layer, in units of its standard
/// deviation: a signal of 26 dB above the noise.
const NOISE_MAX: f64 = 0.05;

#[test]
fn integers_change_no_layer_much() {
    let golden = golden::read(include_str!("golden/activations.txt")).unwrap();
    let outputs = outputs(&Simd::Int8, &crops::face(golden::CROP));
    let differences = golden::compare(&golden, &outputs).unwrap();
    for (layer, Difference { rms, .. }) in golden.iter().zip(&differences) {
        println!("{:22} {:5.1} dB", layer.name, -20.0 * rms.log10());
        assert!(*rms <= NOISE_MAX, "{}: {rms}", layer.name);
    }
}

#[test]
fn a_wrong_value_anywhere_is_noticed() {
    let golden = golden::read(include_str!("golden/activations.txt")).unwrap();
    let outputs = outputs(&Simd::Float, &crops::face(golden::CROP));
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
