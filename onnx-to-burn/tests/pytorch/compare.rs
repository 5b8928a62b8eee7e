//! Records that must hold the same weights.

use std::path::Path;

use burn_pack::{Reader, Tensor};
use half::f16;

/// Checks that two records hold the same tensors, up to one step of float16, and prints how many
/// values differ by that.
#[track_caller]
pub(crate) fn records(one: &Path, other: &Path) {
    let read = |file: &Path| Reader::from_file(file).unwrap().into_tensors().unwrap();
    let (a, b) = (read(one), read(other));
    assert_eq!(a.len(), b.len());
    assert!(a.len() > 70);
    let mut differing = 0;
    for (a, b) in a.into_iter().zip(b) {
        assert_eq!((&a.name, &a.shape), (&b.name, &b.shape));
        differing += tensors(a, b);
    }
    println!("{}: {differing} values differ in their last bit", one.display());
}

/// Counts the values that differ, which may only be by one step of float16.
#[track_caller]
fn tensors(a: Tensor, b: Tensor) -> usize {
    let name = a.name.clone();
    let halves = |tensor: Tensor| {
        let bytes = tensor.into_bytes().unwrap();
        let words = bytes.as_chunks::<2>().0.iter();
        words.map(|word| f16::from_le_bytes(*word)).collect::<Vec<_>>()
    };
    let pairs: Vec<_> = halves(a).into_iter().zip(halves(b)).collect();
    for (a, b) in &pairs {
        let step = (a.to_f32().abs() * 2f32.powi(-10)).max(2f32.powi(-14));
        assert!((a.to_f32() - b.to_f32()).abs() <= step, "{name}: {a} and {b}");
    }
    pairs.iter().filter(|(a, b)| a != b).count()
}
