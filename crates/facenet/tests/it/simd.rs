//! The SIMD engine against the golden embeddings, and against records that do not fit.

use facenet::record::RecordError;
use facenet::simd::{LoadedShard, Loader};
use facenet::{Embedding, Shard};

use crate::golden;

const MODEL: &str = "casia-webface";

fn load(part: Shard, model: &str, bytes: &[u8], chunk: usize) -> Result<LoadedShard, RecordError> {
    let mut loader = Loader::new(part, model, bytes.len())?;
    for chunk in bytes.chunks(chunk) {
        loader.push(chunk)?;
    }
    loader.finish()
}

#[test]
fn simd_gives_the_golden_embeddings() {
    let shards = Shard::ALL.map(|part| load(part, MODEL, &golden::record(part), 65_521).unwrap());
    for name in golden::NAMES {
        let boundary = shards[0].run(&golden::face(name).input()).unwrap();
        let output = shards[1].run(&boundary).unwrap();
        let cosine = Embedding::normalise(output).unwrap().cosine(&golden::embedding(name));
        println!("simd {name}: 1 - cosine = {:.1e}", 1.0 - cosine);
        assert!(cosine >= 0.99999, "simd {name}: {cosine}");
    }
}

#[test]
fn chunks_of_every_size_give_the_same_shard() {
    let bytes = golden::record(Shard::Shard2);
    let input: Vec<f32> = (0..Shard::Shard2.input_len()).map(|i| (i % 97) as f32 / 97.0).collect();
    let run = |chunk| load(Shard::Shard2, MODEL, &bytes, chunk).unwrap().run(&input).unwrap();
    let expected = run(bytes.len());
    for chunk in [1, 2, 9, 255, 256, 257, 4_099, 1 << 20] {
        assert!(run(chunk) == expected, "chunks of {chunk} bytes");
    }
}

#[test]
fn inputs_of_a_wrong_size_are_refused() {
    let bytes = golden::record(Shard::Shard2);
    let shard = load(Shard::Shard2, MODEL, &bytes, 1 << 16).unwrap();
    assert_eq!(shard.part(), Shard::Shard2);
    assert_eq!(shard.run(&vec![0.0; Shard::Shard2.input_len() - 1]), None);
    assert_eq!(shard.run(&[]), None);
}

#[test]
fn records_of_something_else_are_refused() {
    let bytes = golden::record(Shard::Shard1);
    let refused = |part, model, bytes: &[u8]| load(part, model, bytes, 4_096).err().unwrap();
    // Another model's and the other shard's. A record that is too long is not even begun.
    assert!(matches!(refused(Shard::Shard1, "vggface2", &bytes), RecordError::Foreign { .. }));
    assert!(matches!(refused(Shard::Shard2, MODEL, &bytes), RecordError::Foreign { .. }));
    let other = golden::record(Shard::Shard2);
    assert!(matches!(refused(Shard::Shard1, MODEL, &other), RecordError::Length { .. }));
    // No record at all.
    assert!(matches!(refused(Shard::Shard1, MODEL, b"<html>"), RecordError::Unreadable(_)));
    assert!(matches!(refused(Shard::Shard1, MODEL, &[]), RecordError::Unreadable(_)));
    assert!(matches!(refused(Shard::Shard1, MODEL, &bytes[..4]), RecordError::Unreadable(_)));
    assert!(matches!(refused(Shard::Shard1, MODEL, &vec![0; 1 << 20]), RecordError::Unreadable(_)));
    // More bytes than announced.
    let mut loader = Loader::new(Shard::Shard1, MODEL, 10).unwrap();
    assert!(matches!(loader.push(&bytes[..11]), Err(RecordError::Length { .. })));
    assert!(Loader::new(Shard::Shard1, MODEL, usize::MAX).is_err());
}

/// Places all over the record, many of them in its header.
fn places(len: usize) -> impl Iterator<Item = usize> {
    (0..100).map(move |i| if i < 40 { i * i * 11 % 16_000 } else { (i - 39) * (len / 61) + i })
}

#[test]
fn truncated_records_are_refused() {
    let bytes = golden::record(Shard::Shard1);
    for end in places(bytes.len()) {
        // Announced as it is, and as it should be.
        assert!(load(Shard::Shard1, MODEL, &bytes[..end], 65_536).is_err(), "cut at {end}");
        let mut loader = Loader::new(Shard::Shard1, MODEL, bytes.len()).unwrap();
        loader.push(&bytes[..end]).unwrap();
        let error = loader.finish().err();
        assert_eq!(error, Some(RecordError::Length { expected: bytes.len(), actual: end }));
    }
    assert!(load(Shard::Shard1, MODEL, &bytes, 65_536).is_ok());
}

#[test]
fn records_with_flipped_bits_are_refused() {
    let mut bytes = golden::record(Shard::Shard1);
    for place in places(bytes.len()) {
        let bit = 1 << (place % 8);
        bytes[place] ^= bit;
        assert!(load(Shard::Shard1, MODEL, &bytes, 65_536).is_err(), "flipped at {place}");
        bytes[place] ^= bit;
    }
    assert!(load(Shard::Shard1, MODEL, &bytes, 65_536).is_ok());
}

#[test]
fn reordered_records_are_refused() {
    let mut bytes = golden::record(Shard::Shard1);
    // Two pieces of the last tensors, which are all float16, change places.
    let middle = bytes.len() - 65_536;
    bytes[middle..].rotate_left(256);
    assert_eq!(load(Shard::Shard1, MODEL, &bytes, 65_536).err(), Some(RecordError::Damaged));
}
