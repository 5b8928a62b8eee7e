//! The weights of the face finder.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::finder(bytes));
