//! Pictures of faces.

use facenet::Face;
use facenet::image::{ImageError, Limits};
use wire::limits::{IMAGE_DECODED_BYTES_MAX, IMAGE_PIXELS_MAX, IMAGE_SIDE_MAX, IMAGE_SIDE_MIN};
use wire::{Kind, Problem};

const LIMITS: Limits = Limits {
    side_min: IMAGE_SIDE_MIN,
    side_max: IMAGE_SIDE_MAX,
    pixels_max: IMAGE_PIXELS_MAX,
    decoded_bytes_max: IMAGE_DECODED_BYTES_MAX,
};

/// Decodes a JPEG, PNG or WebP file.
///
/// # Errors
/// 400 when there are no bytes, 415 when they are something else, 413 when the picture is too large
/// or expands to too much, 422 when it is damaged or too small.
pub fn decode(bytes: &[u8]) -> Result<Face, Problem> {
    if bytes.is_empty() {
        let detail = "There is no picture. Send a JPEG, PNG or WebP file.";
        return Err(Problem::new(Kind::Malformed, detail));
    }
    Face::decode(bytes, &LIMITS).map_err(|error| match error {
        ImageError::UnknownFormat => {
            let detail = "This is no picture that can be read. Send a JPEG, PNG or WebP file.";
            Problem::new(Kind::UnsupportedType, detail)
        }
        ImageError::Damaged(_) => {
            Problem::new(Kind::Unusable, "The picture is damaged or incomplete. Send it again.")
        }
        ImageError::TooManyBytes => {
            let detail = "The picture expands to too many bytes. Send a smaller one with 8 bits a \
                          channel, best a crop of the face.";
            Problem::new(Kind::TooLarge, detail)
        }
        ImageError::Dimensions { width, height, too_large: true } => {
            let detail = format!(
                "The picture has {width}x{height} pixels. Send one of at most {IMAGE_PIXELS_MAX} \
                 pixels and {IMAGE_SIDE_MAX} a side, best a crop of the face."
            );
            Problem::new(Kind::TooLarge, detail)
        }
        ImageError::Dimensions { width, height, too_large: false } => {
            let detail = format!(
                "The picture has {width}x{height} pixels. Send one of at least {IMAGE_SIDE_MIN} \
                 pixels a side."
            );
            Problem::new(Kind::Unusable, detail)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The head of a PNG with these dimensions, of 16 bits a channel and with transparency, and
    /// nothing after it.
    fn png_head(width: u32, height: u32) -> Vec<u8> {
        let mut chunk = b"IHDR".to_vec();
        chunk.extend(width.to_be_bytes());
        chunk.extend(height.to_be_bytes());
        chunk.extend([16, 6, 0, 0, 0]);
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
        bytes.extend(&chunk);
        bytes.extend(crc32fast::hash(&chunk).to_be_bytes());
        bytes.extend(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
        bytes
    }

    #[track_caller]
    fn check(bytes: &[u8], kind: Kind) {
        assert_eq!(decode(bytes).unwrap_err().kind, kind);
    }

    #[test]
    fn what_a_header_claims_is_checked_before_decoding() {
        check(&png_head(u32::MAX / 4, 1), Kind::TooLarge);
        check(&png_head(4096, 4096), Kind::TooLarge);
        // As many pixels as are allowed, but with eight bytes each.
        check(&png_head(2000, 3000), Kind::TooLarge);
        check(&png_head(31, 31), Kind::Unusable);
        check(&png_head(160, 160), Kind::Unusable);
    }

    #[test]
    fn no_picture_damaged_picture_and_nothing_are_told_apart() {
        check(b"", Kind::Malformed);
        check(b"hello", Kind::UnsupportedType);
        check(b"\xff\xd8\xff\xe0", Kind::Unusable);
    }
}
