//! Checks that several routes make of what they are sent.

use serde::de::DeserializeOwned;
use wire::{Kind, limits::EMBEDDING_DIMENSIONS};

use crate::{store::Trouble, vectorize};

/// Width and height of every stored picture in pixels: the crop that the model sees.
const PICTURE_SIDE: u16 = 160;

/// How far the length of an embedding may be from 1: what rounding to a few digits does.
const LENGTH_TOLERANCE: f64 = 1e-2;

/// A body as a message.
pub(crate) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Trouble> {
    serde_json::from_slice(body).map_err(|error| {
        // The error itself could quote what was sent.
        let (line, column) = (error.line(), error.column());
        let text = format!(
            "The body is not the JSON message of this route (line {line}, column {column})."
        );
        Trouble::problem(Kind::Malformed, text)
    })
}

/// A namespace that the index takes.
pub(crate) fn namespace(namespace: &str) -> Result<(), Trouble> {
    let max = vectorize::limits::NAME_BYTES_MAX;
    if (1..=max).contains(&namespace.len()) {
        return Ok(());
    }
    Err(Trouble::problem(Kind::Unusable, format!("The namespace must have 1 to {max} bytes.")))
}

/// An embedding as the model makes them: of the right size, finite, and of length 1, so that
/// distances mean what they should.
pub(crate) fn embedding(values: &[f32]) -> Result<(), Trouble> {
    let length = values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    let text = if values.len() != EMBEDDING_DIMENSIONS {
        let got = values.len();
        format!("The embedding must have {EMBEDDING_DIMENSIONS} numbers; it has {got}.")
    } else if !length.is_finite() {
        "The embedding must have finite numbers only.".to_owned()
    } else if (length - 1.0).abs() > LENGTH_TOLERANCE {
        "The embedding must be L2-normalised.".to_owned()
    } else {
        return Ok(());
    };
    Err(Trouble::problem(Kind::Unusable, text))
}

/// A picture as our own encoder makes them: a JPEG of 160x160 pixels that holds what it takes to
/// show them, and neither metadata nor anything behind its end.
pub(crate) fn picture(bytes: &[u8]) -> Result<(), Trouble> {
    if is_bare_jpeg(bytes).unwrap_or(false) {
        return Ok(());
    }
    let text = "The picture is not a bare JPEG of 160x160 pixels.";
    Err(Trouble::problem(Kind::UnsupportedType, text))
}

/// Walks over the segments of a JPEG; nothing when it breaks off.
fn is_bare_jpeg(bytes: &[u8]) -> Option<bool> {
    let mut rest = bytes.strip_prefix(&[0xff, 0xd8])?;
    let mut right_size = false;
    loop {
        let (&[mark, kind], after) = rest.split_first_chunk()?;
        if (mark, kind) == (0xff, 0xd9) {
            return Some(right_size && after.is_empty());
        }
        let (length, _) = after.split_first_chunk()?;
        let (segment, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        match (mark, kind) {
            // The two bytes of the length, then the name of the format and its 9 bytes.
            (0xff, 0xe0) if segment.len() == 16 && segment[2..].starts_with(b"JFIF\0") => {}
            // Tables of quantisation and Huffman codes.
            (0xff, 0xdb | 0xc4) => {}
            (0xff, 0xc0) => {
                let (height, width) = segment.get(3..7)?.split_at(2);
                let side = PICTURE_SIDE.to_be_bytes();
                right_size = height == side && width == side;
            }
            (0xff, 0xda) => {
                rest = &after[scan_length(after)?..];
                continue;
            }
            _ => return Some(false),
        }
        rest = after;
    }
}

/// Bytes of compressed pixels up to the next marker. There, 0xff is followed by 0.
fn scan_length(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|pair| pair[0] == 0xff && pair[1] != 0)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The least that passes: a header, a size, a scan.
    pub(crate) fn jpeg() -> Vec<u8> {
        let mut bytes = vec![0xff, 0xd8];
        bytes.extend(b"\xff\xe0\x00\x10JFIF\0\x01\x02\0\0\x01\0\x01\0\0");
        bytes.extend([0xff, 0xdb, 0, 3, 7]);
        bytes.extend([0xff, 0xc0, 0, 8, 8, 0, 160, 0, 160, 3]);
        bytes.extend([0xff, 0xc4, 0, 3, 7]);
        bytes.extend([0xff, 0xda, 0, 3, 1, 0x12, 0xff, 0x00, 0x34]);
        bytes.extend([0xff, 0xd9]);
        bytes
    }

    fn passes(bytes: &[u8]) -> bool {
        picture(bytes).is_ok()
    }

    #[test]
    fn pictures_are_bare_or_refused() {
        assert!(passes(&jpeg()));
        let mut payload = jpeg();
        payload.extend(b"PK");
        assert!(!passes(&payload), "something behind the end");
        // EXIF, a colour profile, a comment, another picture: anything that shows no pixels.
        for kind in [0xe1, 0xe2, 0xed, 0xef, 0xfe, 0xc2, 0xd8, 0xdd, 0x00, 0xff] {
            let mut more = jpeg();
            more.splice(2..2, [0xff, kind, 0, 4, b'h', b'i']);
            assert!(!passes(&more), "{kind:x}");
        }
        let mut thumbnail = jpeg();
        thumbnail[5] += 3;
        thumbnail.splice(20..20, [1, 2, 3]);
        assert!(!passes(&thumbnail));
        let mut small = jpeg();
        let size = small.iter().position(|&byte| byte == 160).unwrap();
        small[size] = 161;
        assert!(!passes(&small));
        assert!(!passes(&[0xff, 0xd8, 0xff, 0xd9]), "no size");
    }

    #[test]
    fn broken_pictures_are_refused_wherever_they_end() {
        let whole = jpeg();
        for length in 0..whole.len() {
            assert!(!passes(&whole[..length]), "{length} bytes");
        }
        for place in 0..whole.len() {
            for value in [0, 1, 0xd9, 0xff] {
                let mut damaged = whole.clone();
                damaged[place] = value;
                // Any answer but a panic.
                passes(&damaged);
            }
        }
    }
}
