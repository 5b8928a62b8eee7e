//! Query strings and callers' own embeddings: what is accepted is in its range.

#![no_main]

use input::{query, vector};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let parse = |text| query::parse(text, 1.05);
    if let Ok(options) = str::from_utf8(bytes).map_or_else(|_| Ok(Default::default()), parse) {
        assert!((1..=20).contains(&options.top_k));
        assert!(options.threshold.is_none_or(|threshold| (0.0..=1.05).contains(&threshold)));
    }
    if let Ok(embedding) = vector::parse(bytes) {
        assert!((embedding.cosine(&embedding) - 1.0).abs() < 1e-6);
    }
});
