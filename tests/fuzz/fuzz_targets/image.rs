//! Pictures: whatever the bytes are, there is a face or a problem, within the memory that the
//! limits promise (see `malloc_limit_mb` in `cargo xtask fuzz`).

#![no_main]

use facenet::image::FACE_BYTES;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(face) = input::picture::decode(bytes.to_vec()) {
        assert_eq!(face.rgb().len(), FACE_BYTES);
        assert!(face.input().iter().all(|value| value.abs() <= 1.0));
        let stored = face.to_jpeg().expect("a face encodes");
        input::picture::decode(stored).expect("our own picture decodes");
    }
});
