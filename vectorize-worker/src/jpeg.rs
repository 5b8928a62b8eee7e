//! Which pictures may be stored: only those that our own encoder makes, so that nobody can hide
//! anything in them.

use facenet::layers::INPUT_SIDE;

/// Width and height of every stored picture in pixels: the crop that the model sees.
const SIDE: u16 = INPUT_SIDE as u16;

/// Whether bytes are a JPEG of [`SIDE`] by [`SIDE`] pixels that holds what is needed to show it, no
/// metadata, and nothing behind its end.
pub(crate) fn is_bare(bytes: &[u8]) -> bool {
    walk(bytes).unwrap_or(false)
}

/// Walks over the segments of a JPEG; `None` when it breaks off.
fn walk(bytes: &[u8]) -> Option<bool> {
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
            // Two bytes of length, five of name, nine of content: no room for a thumbnail.
            (0xff, 0xe0) if segment.len() == 16 && segment.get(2..7) == Some(b"JFIF\0") => {}
            // Tables of quantisation and Huffman codes.
            (0xff, 0xdb | 0xc4) => {}
            (0xff, 0xc0) => {
                let (height, width) = segment.get(3..7)?.split_at(2);
                let side = SIDE.to_be_bytes();
                right_size = height == side && width == side;
            }
            (0xff, 0xda) => {
                rest = after.get(scan_length(after)?..)?;
                continue;
            }
            _ => return Some(false),
        }
        rest = after;
    }
}

/// How many bytes of compressed pixels there are up to the next marker. Among pixels, 0xff is
/// followed by 0.
fn scan_length(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|pair| matches!(pair, [0xff, kind] if *kind != 0))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The smallest picture that passes: a header, a size, a scan.
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

    #[test]
    fn only_bare_pictures_pass() {
        assert!(is_bare(&jpeg()));
        let mut payload = jpeg();
        payload.extend(b"PK");
        assert!(!is_bare(&payload), "something behind the end");
        // EXIF, a colour profile, a comment, another picture: anything that shows no pixels.
        for kind in [0xe1, 0xe2, 0xed, 0xef, 0xfe, 0xc2, 0xd8, 0xdd, 0x00, 0xff] {
            let mut more = jpeg();
            more.splice(2..2, [0xff, kind, 0, 4, b'h', b'i']);
            assert!(!is_bare(&more), "{kind:x}");
        }
        let mut thumbnail = jpeg();
        thumbnail[5] += 3;
        thumbnail.splice(20..20, [1, 2, 3]);
        assert!(!is_bare(&thumbnail));
        let mut small = jpeg();
        let size = small.iter().position(|&byte| byte == 160).unwrap();
        small[size] = 161;
        assert!(!is_bare(&small));
        assert!(!is_bare(&[0xff, 0xd8, 0xff, 0xd9]), "no size");
    }

    #[test]
    fn damaged_pictures_do_not_pass() {
        let whole = jpeg();
        for length in 0..whole.len() {
            assert!(!is_bare(&whole[..length]), "{length} bytes");
        }
        for place in 0..whole.len() {
            for value in [0, 1, 0xd9, 0xff] {
                let mut damaged = whole.clone();
                damaged[place] = value;
                // Any answer will do, but no panic.
                let _ = is_bare(&damaged);
            }
        }
    }
}
