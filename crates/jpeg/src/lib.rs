#![doc = include_str!("../README.md")]

mod bits;
mod colour;
mod decode;
mod header;
mod huffman;
mod idct;
mod plane;
mod scan;
pub mod segments;
mod upsample;

#[cfg(test)]
mod tests;

use decode::States;
use header::Header;

/// Why a file cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JpegError {
    /// It does not begin as JPEG does.
    #[error("not a JPEG picture")]
    NotJpeg,
    /// It ends before its pixels do.
    #[error("a JPEG picture that is cut off")]
    Truncated,
    /// A part is missing, or contradicts another one.
    #[error("a damaged JPEG picture: {0}")]
    Damaged(&'static str),
    /// A kind that is not decoded here. The text goes on after "The picture".
    #[error("a JPEG picture of a kind that is not decoded: it {0}")]
    Unsupported(&'static str),
}

/// How much smaller a picture is decoded than the file has it. Each pixel is the mean of the file's
/// pixels in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// As it is.
    Whole,
    /// By 2.
    Half,
    /// By 4.
    Quarter,
    /// By 8.
    Eighth,
}

impl Scale {
    /// All, the largest picture first.
    pub const ALL: [Self; 4] = [Self::Whole, Self::Half, Self::Quarter, Self::Eighth];

    /// How many pixels of the file become one, across and down.
    #[must_use]
    pub const fn divisor(self) -> usize {
        match self {
            Self::Whole => 1,
            Self::Half => 2,
            Self::Quarter => 4,
            Self::Eighth => 8,
        }
    }
}

/// A part of a picture, in pixels of the scaled picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The first column.
    pub x: usize,
    /// The first row.
    pub y: usize,
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
}

/// Where rows of blocks begin in a file: some 50 bytes for each.
#[derive(Clone, Default)]
pub struct Index(States);

/// A JPEG file whose header was read.
#[derive(Clone)]
pub struct Jpeg<'a> {
    header: Header<'a>,
}

impl<'a> Jpeg<'a> {
    /// Reads all that stands before the pixels.
    ///
    /// # Errors
    /// When it is no such file, or one that is not decoded here.
    pub fn new(file: &'a [u8]) -> Result<Self, JpegError> {
        Header::read(file).map(|header| Self { header })
    }

    /// In pixels, as the file has them: not turned upright.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.header.width
    }

    /// In pixels.
    #[must_use]
    pub const fn height(&self) -> usize {
        self.header.height
    }

    /// Width and height of the picture that is decoded at a scale, in pixels, rounded up.
    #[must_use]
    pub const fn size(&self, scale: Scale) -> [usize; 2] {
        let divisor = scale.divisor();
        [self.header.width.div_ceil(divisor), self.header.height.div_ceil(divisor)]
    }

    /// The EXIF metadata, which say how to turn the picture, in the form of a TIFF file.
    #[must_use]
    pub const fn exif(&self) -> Option<&'a [u8]> {
        self.header.exif
    }

    /// Decodes a region, and hands each of its rows to `row`, from above: the number of the row in
    /// the scaled picture, and its RGB pixels. The part of the region that lies outside the picture
    /// is left out.
    ///
    /// Some rows of blocks are held at a time. Rows below the region are not decoded at all.
    ///
    /// # Errors
    /// When the file is damaged or ends too soon. Some rows have been given out then.
    pub fn decode(
        &self,
        scale: Scale,
        region: Region,
        row: impl FnMut(usize, &[[u8; 3]]),
    ) -> Result<(), JpegError> {
        self.decode_from(&Index::default(), scale, region, row)
    }

    /// The same for all of the picture. Returns where rows of blocks begin.
    ///
    /// # Errors
    /// As of [`Jpeg::decode`].
    pub fn decode_all(
        &self,
        scale: Scale,
        row: impl FnMut(usize, &[[u8; 3]]),
    ) -> Result<Index, JpegError> {
        let [width, height] = self.size(scale);
        let region = Region { x: 0, y: 0, width, height };
        decode::decode(&self.header, scale, region, &States::new(), row).map(Index)
    }

    /// As [`Jpeg::decode`], but does not read what is above the region. `index` is of the same
    /// file; with another one, pixels are arbitrary.
    ///
    /// # Errors
    /// As of [`Jpeg::decode`].
    pub fn decode_from(
        &self,
        index: &Index,
        scale: Scale,
        region: Region,
        row: impl FnMut(usize, &[[u8; 3]]),
    ) -> Result<(), JpegError> {
        decode::decode(&self.header, scale, region, &index.0, row).map(|_| ())
    }
}
