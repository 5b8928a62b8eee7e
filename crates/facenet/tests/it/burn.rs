//! The Burn engine against the golden embeddings, and against records that do not fit.

use facenet::burn::{Backend, LoadedShard, Loader};
use facenet::record::RecordError;
use facenet::{Embedding, Shard};

use crate::golden;

const MODEL: &str = "casia-webface";

fn load_bytes(part: Shard, bytes: &[u8]) -> Result<LoadedShard, RecordError> {
    load(part, MODEL, bytes, Backend::default())
}

fn load(
    part: Shard,
    model: &str,
    bytes: &[u8],
    backend: Backend,
) -> Result<LoadedShard, RecordError> {
    let mut loader = Loader::new(part, model, bytes.len())?.with_backend(backend);
    for chunk in bytes.chunks(100_003) {
        loader.push(chunk)?;
    }
    loader.finish()
}

fn check_golden(backend: Backend) {
    let shards = Shard::ALL.map(|part| load(part, MODEL, &golden::record(part), backend).unwrap());
    for name in golden::NAMES {
        let boundary = shards[0].run(&golden::face(name).input()).unwrap();
        let output = shards[1].run(&boundary).unwrap();
        let cosine = Embedding::normalise(output).unwrap().cosine(&golden::embedding(name));
        println!("{} {name}: 1 - cosine = {:.1e}", backend.name(), 1.0 - cosine);
        assert!(cosine >= 0.99999, "{} {name}: {cosine}", backend.name());
    }
}

#[cfg(feature = "burn-flex")]
#[test]
fn flex_gives_the_golden_embeddings() {
    check_golden(Backend::Flex);
}

#[cfg(feature = "burn-ndarray")]
#[test]
fn ndarray_gives_the_golden_embeddings() {
    check_golden(Backend::NdArray);
}

#[test]
fn inputs_of_a_wrong_size_are_refused() {
    let shard = load_bytes(Shard::Shard1, &golden::record(Shard::Shard1)).unwrap();
    assert_eq!(shard.run(&vec![0.0; Shard::Shard1.input_len() - 1]), None);
    assert_eq!(shard.run(&[]), None);
}

#[test]
fn records_that_do_not_fit_are_refused() {
    let bytes = golden::record(Shard::Shard1);
    let refused = |part, bytes: &[u8]| load_bytes(part, bytes).err().unwrap();
    // The other shard's record, another model's.
    assert!(matches!(refused(Shard::Shard2, &bytes), RecordError::Foreign { .. }));
    let other = load(Shard::Shard1, "vggface2", &bytes, Backend::default()).err().unwrap();
    assert!(matches!(other, RecordError::Foreign { .. }));
    // No record at all.
    assert!(matches!(refused(Shard::Shard1, b"<html>"), RecordError::Unreadable(_)));
    assert!(matches!(refused(Shard::Shard1, &[]), RecordError::Unreadable(_)));
    // The end is missing, noticed by the announced length or, where that is wrong too, by Burn.
    let half = &bytes[..bytes.len() / 2];
    assert!(matches!(refused(Shard::Shard1, half), RecordError::Unreadable(_)));
    let mut loader = Loader::new(Shard::Shard1, MODEL, bytes.len()).unwrap();
    loader.push(half).unwrap();
    let error = loader.finish().err().unwrap();
    assert_eq!(error, RecordError::Length { expected: bytes.len(), actual: half.len() });
    // More bytes than announced, and more than any record has.
    let mut loader = Loader::new(Shard::Shard1, MODEL, 10).unwrap();
    assert!(matches!(loader.push(&bytes[..11]), Err(RecordError::Length { .. })));
    assert!(Loader::new(Shard::Shard1, MODEL, usize::MAX).is_err());
}

#[test]
fn a_flipped_bit_of_a_weight_is_noticed() {
    let mut bytes = golden::record(Shard::Shard2);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    assert_eq!(load_bytes(Shard::Shard2, &bytes).err(), Some(RecordError::Damaged));
}
