//! Forms: the first line is the content type, the rest the body.

#![no_main]

use input::form;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let line = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
    let Ok(content_type) = str::from_utf8(&bytes[..line]) else { return };
    let body = bytes[line..].get(1..).unwrap_or_default();
    let known = ["name", "consent", "image", "other"].map(str::to_owned);
    if let Ok(fields) = form::parse(body, content_type, &known) {
        let texts = [fields.name, fields.consent].into_iter().flatten().map(|text| text.len());
        assert!(texts.sum::<usize>() <= body.len());
    }
});
