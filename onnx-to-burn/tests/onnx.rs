//! The two ways from the checkpoint to the engine agree: what the committed code and records are
//! made of is the network that PyTorch exports. Needs the ONNX files and the checkpoint, whose
//! places `cargo xtask test --pytorch` passes in the environment.

#![expect(clippy::unwrap_used, reason = "tests end at the first surprise")]

use std::path::PathBuf;

use burn_pack::{Reader, Tensor};
use facenet::Part;
use half::f16;
use onnx_to_burn::{checkpoint, onnx};

#[track_caller]
fn path(variable: &str) -> PathBuf {
    let Some(path) = std::env::var_os(variable) else {
        panic!("{variable} is not set: run this by `cargo xtask test --pytorch`");
    };
    path.into()
}

#[test]
fn generated_code_is_current() {
    for part in Part::ALL {
        let code = onnx::convert(part, &path("CFACE_ONNX_DIR")).unwrap().code;
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join(format!("../facenet/src/burn/{}.rs", part.name()));
        let committed = std::fs::read_to_string(file).unwrap();
        assert!(committed == code, "{} is stale: run `cargo xtask generate`", part.name());
    }
}

#[test]
fn both_ways_give_the_same_records() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let graph = std::fs::read(path("CFACE_GRAPH")).unwrap();
    let files = checkpoint::convert(&graph, one.path()).unwrap();
    for (part, file) in Part::ALL.into_iter().zip(files) {
        let converted = onnx::convert(part, &path("CFACE_ONNX_DIR")).unwrap();
        onnx::write_record(part, converted.tensors, other.path()).unwrap();
        let read = |file: PathBuf| Reader::from_file(file).unwrap().into_tensors().unwrap();
        let (a, b) = (read(file), read(other.path().join(part.file())));
        assert_eq!(a.len(), b.len());
        assert!(a.len() > 70);
        let mut differing = 0;
        for (a, b) in a.into_iter().zip(b) {
            assert_eq!((&a.name, &a.shape), (&b.name, &b.shape));
            differing += compare(a, b);
        }
        println!("{}: {differing} values differ in their last bit", part.name());
    }
}

/// Counts the values that differ, which may only be by one step of float16.
#[track_caller]
fn compare(a: Tensor, b: Tensor) -> usize {
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
