//! The SIMD engine against the golden embeddings, and against records that do not fit.

use facenet::Shard;
use facenet::record::{self, RecordError};
use facenet::simd::{LoadedShard, Loader, Simd};

use crate::golden::{self, MODEL};

fn load(shard: Shard, model: &str, bytes: &[u8], chunk: usize) -> Result<LoadedShard, RecordError> {
    golden::load(&Simd::Float, shard, model, bytes, chunk)
}

#[test]
fn simd_gives_the_golden_embeddings() {
    golden::check("simd", &Simd::Float, golden::COSINE_MIN);
}

#[test]
fn inputs_of_another_size_have_no_embedding() {
    let model = golden::model(&Simd::Float);
    let input = golden::face(golden::NAMES[0]).input();
    assert!(model.embed_input(&input).is_ok());
    assert!(model.embed_input(&input[1..]).is_err());
    assert!(model.embed_input(&[]).is_err());
}

#[test]
fn record_lengths_are_known() {
    for shard in Shard::ALL {
        let bytes = golden::record(shard);
        let metadata = u32::from_le_bytes(*bytes[..record::HEADER_BYTES].last_chunk().unwrap());
        assert_eq!(record::length(shard, metadata as usize), bytes.len());
    }
}

#[test]
fn chunks_of_every_size_give_the_same_shard() {
    let bytes = golden::record(Shard::Shard2);
    let input: Vec<f32> = (0..Shard::Shard2.input_len()).map(|i| (i % 97) as f32 / 97.0).collect();
    for simd in Simd::ALL {
        let shard = |chunk| golden::load(&simd, Shard::Shard2, MODEL, &bytes, chunk).unwrap();
        let run = |chunk| shard(chunk).run(&input).unwrap();
        let expected = run(bytes.len());
        for chunk in [1, 2, 9, 255, 256, 257, 4_099, 1 << 20] {
            assert!(run(chunk) == expected, "{simd:?}: chunks of {chunk} bytes");
        }
    }
}

#[test]
fn inputs_of_a_wrong_size_are_refused() {
    let bytes = golden::record(Shard::Shard2);
    let shard = load(Shard::Shard2, MODEL, &bytes, 1 << 16).unwrap();
    assert_eq!(shard.shard(), Shard::Shard2);
    assert_eq!(shard.run(&vec![0.0; Shard::Shard2.input_len() - 1]), None);
    assert_eq!(shard.run(&[]), None);
}

#[test]
fn records_of_something_else_are_refused() {
    let bytes = golden::record(Shard::Shard1);
    let refused = |shard, model, bytes: &[u8]| load(shard, model, bytes, 4_096).err().unwrap();
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
    // Two pieces of the last tensors, all of float16, are exchanged.
    let middle = bytes.len() - 65_536;
    bytes[middle..].rotate_left(256);
    assert_eq!(load(Shard::Shard1, MODEL, &bytes, 65_536).err(), Some(RecordError::Damaged));
}

#[test]
fn records_of_different_pairs_are_refused() {
    golden::check_pairs(&Simd::Float, |record, digest| {
        let mut loader = Loader::new(Shard::Shard2, MODEL, record.len())?.with_digest(digest);
        loader.push(record)?;
        loader.finish()
    });
}
