//! Records of weights: both shards, in pieces of any size. The first byte chooses the shard and
//! whether the announced length is the real one, the second the size of the pieces.

#![no_main]

use facenet::Shard;
use facenet::simd::Loader;
use libfuzzer_sys::fuzz_target;

/// Lengths of the real records; only with them does a record's metadata pass.
const LENGTHS: [usize; 2] = [19_232_000, 27_736_576];

fuzz_target!(|bytes: &[u8]| {
    let [choice, size, record @ ..] = bytes else { return };
    let which = usize::from(choice & 1);
    let part = Shard::ALL[which];
    let length = if choice & 2 == 0 { LENGTHS[which] } else { record.len() };
    let Ok(mut loader) = Loader::new(part, "casia-webface", length) else { return };
    for piece in record.chunks(1 + usize::from(*size) * 16) {
        if loader.push(piece).is_err() {
            return;
        }
    }
    // A record with all its weights is larger than any input here.
    assert!(loader.finish().is_err());
});
