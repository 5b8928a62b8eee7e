//! Forms: the first line is the content type, the rest the body.

#![no_main]

use input::form;
use futures_util::FutureExt as _;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let line = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
    let Ok(content_type) = str::from_utf8(&bytes[..line]) else { return };
    let body = bytes[line..].get(1..).unwrap_or_default().to_vec();
    let length = body.len();
    let parsed = form::parse(body, content_type, &["name", "consent", "image", "other"]);
    // A body that is all there is read without waiting.
    if let Ok(fields) = parsed.now_or_never().expect("the parser waits for nothing") {
        let texts = [fields.name, fields.consent].into_iter().flatten().map(|text| text.len());
        let files = [fields.image, fields.other].into_iter().flatten().map(|file| file.len());
        assert!(texts.chain(files).sum::<usize>() <= length);
    }
});
