//! Five crops and their embeddings by an independent runtime (`OpenCV`'s dnn module), computed in
//! float32 from the original graph of casia-webface.
//!
//! The pictures are by photographers of the US government and in the public domain.

use std::path::PathBuf;

use facenet::image::{Face, Limits};
use facenet::verdict::{Thresholds, Verdict};
use facenet::{Embedding, Shard};

/// The golden crops.
pub(crate) const NAMES: [&str; 5] = ["obama-1", "obama-2", "biden-1", "biden-2", "collins-1"];

/// A golden crop.
pub(crate) fn face(name: &str) -> Face {
    let limits =
        Limits { side_min: 160, side_max: 160, pixels_max: 160 * 160, decoded_bytes_max: 1 << 20 };
    let bytes = std::fs::read(folder().join(format!("{name}.png"))).unwrap();
    Face::decode(&bytes, &limits).unwrap()
}

/// Its embedding.
pub(crate) fn embedding(name: &str) -> Embedding {
    let text = std::fs::read_to_string(folder().join("embeddings.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let numbers = json["faces"][name].as_array().unwrap();
    let numbers = numbers.iter().map(|number| number.as_f64().unwrap() as f32).collect();
    Embedding::normalise(numbers).unwrap()
}

/// The record of a shard.
#[track_caller]
pub(crate) fn record(part: Shard) -> Vec<u8> {
    let Some(folder) = std::env::var_os("CFACE_WEIGHTS") else {
        panic!("CFACE_WEIGHTS is not set: run this by `cargo xtask test`");
    };
    std::fs::read(PathBuf::from(folder).join(part.file())).unwrap()
}

/// Where the golden files are.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden")
}

#[test]
fn the_golden_embeddings_tell_people_apart() {
    let thresholds = Thresholds::of("casia-webface").unwrap();
    let says = |a: &str, b: &str| thresholds.verdict(embedding(a).distance(&embedding(b)));
    assert_eq!(says("obama-1", "obama-2"), Verdict::Match);
    for stranger in ["biden-1", "biden-2", "collins-1"] {
        assert_eq!(says("obama-1", stranger), Verdict::None, "{stranger}");
    }
}
