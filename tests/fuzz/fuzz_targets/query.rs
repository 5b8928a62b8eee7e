//! Query strings and callers' own embeddings.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::query(bytes));
