//! The Burn engine against the golden embeddings, and against records that do not fit.

use facenet::Shard;
use facenet::burn::{Backend, LoadedShard, Loader};
use facenet::record::RecordError;

use crate::golden::{self, MODEL};

fn load(shard: Shard, model: &str, bytes: &[u8]) -> Result<LoadedShard, RecordError> {
    golden::load(&Backend::default(), shard, model, bytes, 100_003)
}

#[cfg(feature = "burn-flex")]
#[test]
fn flex_gives_the_golden_embeddings() {
    golden::check(Backend::Flex.name(), &Backend::Flex, golden::COSINE_MIN);
}

#[cfg(feature = "burn-ndarray")]
#[test]
fn ndarray_gives_the_golden_embeddings() {
    golden::check(Backend::NdArray.name(), &Backend::NdArray, golden::COSINE_MIN);
}

#[test]
fn inputs_of_a_wrong_size_are_refused() {
    let shard = load(Shard::Shard1, MODEL, &golden::record(Shard::Shard1)).unwrap();
    assert_eq!(shard.run(&vec![0.0; Shard::Shard1.input_len() - 1]), None);
    assert_eq!(shard.run(&[]), None);
}

#[test]
fn records_that_do_not_fit_are_refused() {
    let bytes = golden::record(Shard::Shard1);
    let refused = |shard, bytes: &[u8]| load(shard, MODEL, bytes).err().unwrap();
    // The other shard's record, another model's.
    assert!(matches!(refused(Shard::Shard2, &bytes), RecordError::Foreign { .. }));
    let other = load(Shard::Shard1, "vggface2", &bytes).err().unwrap();
    assert!(matches!(other, RecordError::Foreign { .. }));
    // No record at all.
    assert!(matches!(refused(Shard::Shard1, b"<html>"), RecordError::Unreadable(_)));
    assert!(matches!(refused(Shard::Shard1, &[]), RecordError::Unreadable(_)));
    // The end is missing. The announced length shows it; where that is wrong too, Burn notices.
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
    assert_eq!(load(Shard::Shard2, MODEL, &bytes).err(), Some(RecordError::Damaged));
}

#[test]
fn records_of_different_pairs_are_refused() {
    golden::check_pairs(&Backend::default(), |record, digest| {
        let mut loader = Loader::new(Shard::Shard2, MODEL, record.len())?.with_digest(digest);
        loader.push(record)?;
        loader.finish()
    });
}
