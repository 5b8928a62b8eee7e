//! Pictures of faces.

use facenet::Face;
use facenet::image::{ImageError, Limits};
use wire::limits::{
    IMAGE_BLOCKS_MAX, IMAGE_DECODED_BYTES_MAX, IMAGE_PIXELS_MAX, IMAGE_SIDE_MAX, IMAGE_SIDE_MIN,
};
use wire::{Kind, Problem};

use crate::container::{self, Container, ContainerError};

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
/// or takes too much memory or work to decode, 422 when it is damaged or too small.
pub fn decode(file: Vec<u8>) -> Result<Face, Problem> {
    is_there(&file)?;
    let container = container::scan(file).map_err(refused)?;
    check(&container)?;
    Face::decode(&container.bytes, &LIMITS).map_err(|error| match error {
        ImageError::UnknownFormat => unknown(),
        ImageError::Damaged(_) => damaged(),
        ImageError::TooManyBytes => too_much(),
        ImageError::Dimensions { width, height, .. } => dimensions(width, height),
    })
}

/// Whether a picture may be decoded, by what its file says.
fn check(container: &Container) -> Result<(), Problem> {
    let &Container { width, height, decoder_bytes, blocks, complete, .. } = container;
    let pixels = u64::from(width) * u64::from(height);
    let sides = IMAGE_SIDE_MIN..=IMAGE_SIDE_MAX;
    if !sides.contains(&width) || !sides.contains(&height) || pixels > IMAGE_PIXELS_MAX {
        return Err(dimensions(width, height));
    }
    if decoder_bytes > IMAGE_DECODED_BYTES_MAX || blocks > IMAGE_BLOCKS_MAX {
        return Err(too_much());
    }
    if complete { Ok(()) } else { Err(damaged()) }
}

/// Whether there is a file at all.
pub(crate) fn is_there(file: &[u8]) -> Result<(), Problem> {
    if file.is_empty() {
        let detail = "There is no picture. Send a JPEG, PNG or WebP file.";
        return Err(Problem::new(Kind::Malformed, detail));
    }
    Ok(())
}

/// The problem of a file that is not decoded.
pub(crate) fn refused(error: ContainerError) -> Problem {
    match error {
        ContainerError::UnknownFormat => unknown(),
        ContainerError::Damaged(_) => damaged(),
        ContainerError::Unsupported(kind) => {
            let detail =
                format!("The picture {kind}. Send a JPEG, PNG or WebP file of a usual kind.");
            Problem::new(Kind::UnsupportedType, detail)
        }
    }
}

fn unknown() -> Problem {
    let detail = "This is no picture that can be read. Send a JPEG, PNG or WebP file.";
    Problem::new(Kind::UnsupportedType, detail)
}

pub(crate) fn damaged() -> Problem {
    Problem::new(Kind::Unusable, "The picture is damaged or incomplete. Send it again.")
}

fn too_much() -> Problem {
    let detail = "The picture takes too much to decode. Send a smaller one with 8 bits a channel, \
                  best a crop of the face.";
    Problem::new(Kind::TooLarge, detail)
}

/// A picture that is too small or too large.
fn dimensions(width: u32, height: u32) -> Problem {
    let has = format!("The picture has {width}x{height} pixels.");
    if width.max(height) <= IMAGE_SIDE_MAX && width.min(height) < IMAGE_SIDE_MIN {
        let detail = format!("{has} Send one of at least {IMAGE_SIDE_MIN} pixels a side.");
        return Problem::new(Kind::Unusable, detail);
    }
    let detail = format!(
        "{has} Send one of at most {IMAGE_PIXELS_MAX} pixels and {IMAGE_SIDE_MAX} a side, best a \
         crop of the face."
    );
    Problem::new(Kind::TooLarge, detail)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A PNG with these dimensions, of 16 bits a channel and with transparency, without any data.
    pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
        let mut chunk = b"IHDR".to_vec();
        chunk.extend(width.to_be_bytes());
        chunk.extend(height.to_be_bytes());
        chunk.extend([16, 6, 0, 0, 0]);
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
        bytes.extend(&chunk);
        bytes.extend(crc32fast::hash(&chunk).to_be_bytes());
        bytes.extend(b"\0\0\0\0IDAT\x35\xaf\x06\x1e\0\0\0\0IEND\xae\x42\x60\x82");
        bytes
    }

    #[track_caller]
    fn check(bytes: &[u8], kind: Kind) {
        assert_eq!(decode(bytes.to_vec()).unwrap_err().kind, kind);
    }

    #[test]
    fn what_a_header_claims_is_checked_before_decoding() {
        check(&png(u32::MAX / 4, 1), Kind::TooLarge);
        check(&png(4096, 4096), Kind::TooLarge);
        // As many pixels as are allowed, but with eight bytes each.
        check(&png(2000, 3000), Kind::TooLarge);
        check(&png(31, 31), Kind::Unusable);
        check(&png(160, 160), Kind::Unusable);
    }

    #[test]
    fn no_picture_damaged_picture_and_nothing_are_told_apart() {
        check(b"", Kind::Malformed);
        check(b"hello", Kind::UnsupportedType);
        check(b"\xff\xd8\xff\xe0", Kind::Unusable);
        check(b"RIFF\x1a\0\0\0WEBPANIM\x06\0\0\0\0\0\0\0\0\0", Kind::UnsupportedType);
    }
}
