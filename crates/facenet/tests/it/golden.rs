//! Five crops and their embeddings by an independent runtime (`OpenCV`'s dnn module), computed in
//! float32 from the original graph of casia-webface.
//!
//! The pictures are by photographers of the US government and in the public domain.

use std::path::PathBuf;

use facenet::image::Limits;
use facenet::record::{Digest, RecordError, head};
use facenet::verdict::Thresholds;
use facenet::{Embedding, Engine, Face, Model, Shard, Verdict};

/// The model that the golden embeddings and the records are of.
pub(crate) const MODEL: &str = "casia-webface";

/// The least cosine of an embedding and the golden one, of an engine that computes in float32.
pub(crate) const COSINE_MIN: f64 = 0.99999;

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

/// The same record as if it had been made together with another one.
#[track_caller]
pub(crate) fn of_another_pair(record: &[u8]) -> Vec<u8> {
    let key = record.windows(Digest::ENTRY.len()).position(|text| text == Digest::ENTRY.as_bytes());
    // Behind the key, and two bytes that say how long the value is.
    let value = key.unwrap() + Digest::ENTRY.len() + 2;
    let mut other = record.to_vec();
    other[value] = if other[value] == b'0' { b'1' } else { b'0' };
    other
}

/// Checks that an engine refuses two records of different pairs, and a pair that is not the wanted
/// one. `load` loads the second shard of a pair.
#[track_caller]
pub(crate) fn check_pairs<E: Engine>(
    engine: &E,
    load: impl Fn(&[u8], Digest) -> Result<E::LoadedShard, RecordError>,
) {
    let [first, second] = Shard::ALL.map(record);
    let other = of_another_pair(&second);
    let is_refused = |outcome: Option<RecordError>| {
        assert!(matches!(outcome, Some(RecordError::Foreign { entry: Digest::ENTRY, .. })));
    };
    is_refused(Model::load(engine, MODEL, [&first, &other]).err());
    let digest = head::weights(MODEL, [&first, &second]).unwrap().digest();
    assert_eq!(E::digest(&load(&second, digest).ok().unwrap()), digest);
    is_refused(load(&other, digest).err());
}

#[test]
fn the_heads_of_records_name_the_weights() {
    let [first, second] = Shard::ALL.map(record);
    let weights = head::weights(MODEL, [&first, &second]).unwrap();
    assert_eq!((weights.model(), weights.pipeline()), (MODEL, facenet::PIPELINE));
    let heads = [&first[..head::BYTES_MAX], &second[..head::BYTES_MAX]];
    assert_eq!(head::weights(MODEL, heads), Ok(weights));
    let is_foreign = |model, records: [&[u8]; 2], entry: &str| {
        let error = head::weights(model, records).unwrap_err();
        assert!(error.to_string().contains(entry), "{error}");
    };
    is_foreign("vggface2", [&first, &second], "cface.model");
    is_foreign(MODEL, [&second, &first], "cface.shard");
    is_foreign(MODEL, [&first, &of_another_pair(&second)], Digest::ENTRY);
    is_foreign(MODEL, [&first, &second[..1_000]], "cut off");
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

/// Compares the embeddings of all golden crops with the golden ones, and the verdicts of all pairs.
#[track_caller]
pub(crate) fn check<E: Engine>(name: &str, engine: &E, cosine_min: f64) {
    let model = model(engine);
    let embeddings = NAMES.map(|crop| {
        let own = model.embed(&face(crop)).unwrap();
        let golden = embedding(crop);
        let cosine = own.cosine(&golden);
        println!("{name} {crop}: 1 - cosine = {:.1e}", 1.0 - cosine);
        assert!(cosine >= cosine_min, "{name} {crop}: {cosine}");
        [own, golden]
    });
    let thresholds = Thresholds::of(MODEL).unwrap();
    let verdict = |a: &Embedding, b: &Embedding| thresholds.verdict(a.distance(b));
    for [own, golden] in &embeddings {
        for [other_own, other_golden] in &embeddings {
            assert_eq!(verdict(own, other_own), verdict(golden, other_golden), "{name}");
        }
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
