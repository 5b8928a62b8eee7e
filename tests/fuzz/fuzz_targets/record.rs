//! Records of weights: both shards, in pieces of any size. The first byte chooses the shard and
//! whether the announced length is the real one, the second the size of the pieces.

#![no_main]

use facenet::Shard;
use facenet::record::{self, HEADER_BYTES};
use facenet::simd::Loader;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let [choice, size, record @ ..] = bytes else { return };
    let shard = Shard::ALL[usize::from(choice & 1)];
    let length = if choice & 2 == 0 { whole_length(shard, record) } else { record.len() };
    let Ok(mut loader) = Loader::new(shard, "casia-webface", length) else { return };
    for piece in record.chunks(1 + usize::from(*size) * 16) {
        if loader.push(piece).is_err() {
            return;
        }
    }
    // A record with all its weights is larger than any input here.
    assert!(loader.finish().is_err());
});

/// The length of the whole record that begins like this. A record's metadata is accepted only if
/// this length was announced.
fn whole_length(shard: Shard, record: &[u8]) -> usize {
    let metadata = record.get(..HEADER_BYTES).and_then(|header| header.last_chunk());
    record::length(shard, metadata.map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize))
}
