//! Picture files before they are decoded: which format, which dimensions, how much memory and work
//! the decoder will take, and the file without all that decoding does not need.
//!
//! Decoders trust files too much: a length in a chunk of 46 bytes made one reserve two gigabytes.
//! This scan of markers and chunks decodes nothing, so it can check every length before it is used.
//! It drops profiles, texts, previews and animations, which a picture of a face does not need, so
//! that no decoder reads them.

mod jpeg;
mod kept;
mod png;
mod reader;
mod webp;

#[cfg(test)]
mod tests;

/// Largest EXIF block that is kept, in bytes: no segment of a JPEG can be larger. Only the
/// orientation in it is read.
const EXIF_BYTES_MAX: usize = (1 << 16) - 1;

/// A format that can be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Baseline or progressive, Huffman coded, 8 bits a sample.
    Jpeg,
    /// All kinds. Of an animation, the picture for programs that cannot play it.
    Png,
    /// Lossy or lossless, with transparency or without, not animated.
    WebP,
}

/// A picture file that is safe to hand to a decoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// What it is.
    pub format: Format,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Most bytes that a decoder holds at once besides the file: the decoded picture, and what the
    /// decoder needs meanwhile. It does not count the prefix codes of lossless WebP, which take at
    /// most 30 MB.
    pub decoder_bytes: u64,
    /// Blocks of 8x8 samples that a decoder visits in all scans of a JPEG. 0 for other formats,
    /// whose work follows from the number of pixels.
    pub blocks: u64,
    /// Whether the file is long enough for the pixels that it promises.
    pub complete: bool,
    /// The file without what decoding does not need.
    pub bytes: Vec<u8>,
}

/// Why a file is no [`Container`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContainerError {
    /// Not one of the formats.
    #[error("not a JPEG, PNG or WebP picture")]
    UnknownFormat,
    /// A part is missing, is cut off, or contradicts another one.
    #[error("a damaged or incomplete picture: {0}")]
    Damaged(&'static str),
    /// A kind of the format that is not decoded here. The text goes on after "The picture".
    #[error("a picture of a kind that is not decoded: it {0}")]
    Unsupported(&'static str),
}

impl From<::jpeg::JpegError> for ContainerError {
    fn from(error: ::jpeg::JpegError) -> Self {
        use ::jpeg::JpegError::{Damaged, NotJpeg, Truncated, Unsupported};
        match error {
            NotJpeg => Self::UnknownFormat,
            Truncated => reader::CUT_OFF,
            Damaged(what) => Self::Damaged(what),
            Unsupported(what) => Self::Unsupported(what),
        }
    }
}

/// Looks through a file, and drops what decoding does not need. Where the format allows, that is
/// done in place, because there may be no memory for a second file.
///
/// # Errors
/// When it is none of the formats, is damaged, or of a kind that is not decoded.
pub fn scan(file: Vec<u8>) -> Result<Container, ContainerError> {
    if file.starts_with(&jpeg::SIGNATURE) {
        jpeg::scan(file)
    } else if file.starts_with(&png::SIGNATURE) {
        png::scan(file)
    } else if file.starts_with(b"RIFF") && file.get(8..12) == Some(b"WEBP") {
        webp::scan(&file)
    } else {
        Err(ContainerError::UnknownFormat)
    }
}
