//! Five crops and their embeddings by an independent runtime (`OpenCV`'s dnn module), computed in
//! float32 from the original graph of casia-webface.
//!
//! The pictures are by photographers of the US government and in the public domain.

use std::path::PathBuf;

use facenet::image::Limits;
use facenet::record::RecordError;
use facenet::verdict::Thresholds;
use facenet::{Embedding, Engine, Face, Model, Shard, Verdict};

/// The model that the golden embeddings and the records are of.
pub(crate) const MODEL: &str = "casia-webface";

/// The least cosine of an embedding and the golden one.
const COSINE_MIN: f64 = 0.99999;

/// The golden crops.
pub(crate) const NAMES: [&str; 5] = ["obama-1", "obama-2", "biden-1", "biden-2", "collins-1"];

/// A golden crop.
pub(crate) fn face(name: &str) -> Face {
    let bytes = std::fs::read(folder().join(format!("{name}.png"))).unwrap();
    Face::decode(&bytes, &Limits::CROP).unwrap()
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
pub(crate) fn record(shard: Shard) -> Vec<u8> {
    let Some(folder) = std::env::var_os("CFACE_WEIGHTS") else {
        panic!("CFACE_WEIGHTS is not set: run this by `cargo xtask test`");
    };
    std::fs::read(PathBuf::from(folder).join(shard.file())).unwrap()
}

/// Both shards on an engine.
#[track_caller]
pub(crate) fn model<E: Engine>(engine: &E) -> Model<E> {
    let [record1, record2] = Shard::ALL.map(record);
    Model::load(engine, MODEL, [&record1, &record2]).unwrap()
}

/// Loads a shard from bytes that come in chunks of one size.
pub(crate) fn load<E: Engine>(
    engine: &E,
    shard: Shard,
    model: &str,
    bytes: &[u8],
    chunk: usize,
) -> Result<E::LoadedShard, RecordError> {
    let mut loader = engine.loader(shard, model, bytes.len())?;
    for chunk in bytes.chunks(chunk) {
        E::push(&mut loader, chunk)?;
    }
    E::finish(loader)
}

/// Compares the embeddings of all golden crops with the golden ones.
#[track_caller]
pub(crate) fn check<E: Engine>(name: &str, engine: &E) {
    let model = model(engine);
    for crop in NAMES {
        let cosine = model.embed(&face(crop)).unwrap().cosine(&embedding(crop));
        println!("{name} {crop}: 1 - cosine = {:.1e}", 1.0 - cosine);
        assert!(cosine >= COSINE_MIN, "{name} {crop}: {cosine}");
    }
}

/// Where the golden files are.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden")
}

#[test]
fn the_golden_embeddings_tell_people_apart() {
    let thresholds = Thresholds::of(MODEL).unwrap();
    let says = |a: &str, b: &str| thresholds.verdict(embedding(a).distance(&embedding(b)));
    assert_eq!(says("obama-1", "obama-2"), Verdict::Match);
    for stranger in ["biden-1", "biden-2", "collins-1"] {
        assert_eq!(says("obama-1", stranger), Verdict::None, "{stranger}");
    }
}
