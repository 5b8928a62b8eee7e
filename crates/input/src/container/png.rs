//! PNG: a signature and chunks (W3C, "Portable Network Graphics Specification", third edition).
//!
//! Kept are the header, palette, transparency, picture data, EXIF and the end. Dropped is the rest:
//! colour profiles and texts, which are compressed and can expand to anything, and the frames of an
//! animation after the first picture.

use super::kept::Kept;
use super::reader::Reader;
use super::{Container, ContainerError, EXIF_BYTES_MAX, Format};

pub(super) const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// Bytes of a chunk besides its content: length, type and checksum.
const CHUNK_FRAME: usize = 12;

/// The largest length that the format allows.
const LENGTH_MAX: u32 = (1 << 31) - 1;

/// What the header says.
struct Header {
    width: u32,
    height: u32,
    /// Bits of one sample.
    depth: u8,
    colour: Colour,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Colour {
    Grey,
    Rgb,
    Palette,
    GreyAlpha,
    Rgba,
}

impl Header {
    fn read(content: &[u8]) -> Result<Self, ContainerError> {
        const WRONG: ContainerError = ContainerError::Damaged("its header is wrong");
        let mut reader = Reader(content);
        let (width, height) = (reader.u32_be()?, reader.u32_be()?);
        let [depth, colour, compression, filter, interlace] = reader.array()?;
        let colour = match colour {
            0 => Colour::Grey,
            2 => Colour::Rgb,
            3 => Colour::Palette,
            4 => Colour::GreyAlpha,
            6 => Colour::Rgba,
            _ => return Err(WRONG),
        };
        let depths: &[u8] = match colour {
            Colour::Grey => &[1, 2, 4, 8, 16],
            Colour::Palette => &[1, 2, 4, 8],
            Colour::Rgb | Colour::GreyAlpha | Colour::Rgba => &[8, 16],
        };
        let sides = 1..=LENGTH_MAX;
        let known = depths.contains(&depth) && compression == 0 && filter == 0 && interlace <= 1;
        if !reader.is_empty() || !known || !sides.contains(&width) || !sides.contains(&height) {
            return Err(WRONG);
        }
        Ok(Self { width, height, depth, colour })
    }

    /// Bytes of the decoded picture: palettes and samples of fewer than 8 bits become whole
    /// bytes, and transparency becomes a channel.
    fn decoded_bytes(&self, transparent: bool) -> u64 {
        let channels = match (self.colour, transparent) {
            (Colour::Grey, false) => 1,
            (Colour::Grey, true) | (Colour::GreyAlpha, _) => 2,
            (Colour::Rgb | Colour::Palette, false) => 3,
            (Colour::Rgb | Colour::Palette, true) | (Colour::Rgba, _) => 4,
        };
        let sample_bytes = u64::from(self.depth.div_ceil(8));
        let pixels = u64::from(self.width).saturating_mul(u64::from(self.height));
        pixels.saturating_mul(channels * sample_bytes)
    }
}

pub(super) fn scan(file: Vec<u8>) -> Result<Container, ContainerError> {
    let mut reader = Reader(&file);
    let mut kept = Kept::default();
    reader.bytes(SIGNATURE.len())?;
    kept.push(&file, &reader, SIGNATURE.len());
    let first = next(&mut reader)?;
    if first.kind != *b"IHDR" {
        return Err(ContainerError::Damaged("it has no header"));
    }
    let header = Header::read(first.content)?;
    kept.push(&file, &reader, CHUNK_FRAME + first.content.len());
    let mut seen = Seen::default();
    loop {
        let chunk = next(&mut reader)?;
        if seen.keeps(chunk.kind, chunk.content, &header)? {
            kept.push(&file, &reader, CHUNK_FRAME + chunk.content.len());
        }
        if chunk.kind == *b"IEND" {
            break;
        }
    }
    if seen.data == Data::Missing {
        return Err(ContainerError::Damaged("it has no pixels"));
    }
    Ok(Container {
        format: Format::Png,
        width: header.width,
        height: header.height,
        // Besides the picture a decoder holds a few rows.
        decoder_bytes: header.decoded_bytes(seen.transparency),
        blocks: 0,
        complete: true,
        bytes: kept.of(file),
    })
}

struct Chunk<'a> {
    kind: [u8; 4],
    content: &'a [u8],
}

fn next<'a>(reader: &mut Reader<'a>) -> Result<Chunk<'a>, ContainerError> {
    let length = reader.u32_be()?;
    if length > LENGTH_MAX {
        return Err(ContainerError::Damaged("a chunk is longer than the format allows"));
    }
    let kind = reader.array()?;
    let content = reader.bytes(length as usize)?;
    reader.u32_be()?;
    Ok(Chunk { kind, content })
}

/// Which chunks came so far.
#[derive(Default)]
struct Seen {
    palette: Option<usize>,
    transparency: bool,
    exif: bool,
    data: Data,
}

/// Whether the chunks with pixels have come. They must follow each other directly.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Data {
    #[default]
    Missing,
    Coming,
    Ended,
}

impl Seen {
    /// Whether decoding needs a chunk.
    fn keeps(
        &mut self,
        kind: [u8; 4],
        content: &[u8],
        header: &Header,
    ) -> Result<bool, ContainerError> {
        if kind != *b"IDAT" && self.data == Data::Coming {
            self.data = Data::Ended;
        }
        match &kind {
            b"IHDR" => Err(ContainerError::Damaged("it has two headers")),
            b"PLTE" => self.palette(content, header),
            b"tRNS" => self.transparency(content, header),
            b"IDAT" if self.data == Data::Ended => {
                Err(ContainerError::Damaged("its pixels are in pieces"))
            }
            b"IDAT" if header.colour == Colour::Palette && self.palette.is_none() => {
                Err(ContainerError::Damaged("it has no palette"))
            }
            b"IDAT" => {
                self.data = Data::Coming;
                Ok(true)
            }
            b"eXIf" => {
                Ok(!std::mem::replace(&mut self.exif, true) && content.len() <= EXIF_BYTES_MAX)
            }
            b"IEND" => Ok(true),
            // The fifth bit of the first letter tells whether a decoder may pass over a chunk.
            [first, ..] if first & 0x20 == 0 => {
                Err(ContainerError::Unsupported("has chunks that are not known"))
            }
            _ => Ok(false),
        }
    }

    /// Whether a palette is needed: it is where pixels are indices of it.
    fn palette(&mut self, content: &[u8], header: &Header) -> Result<bool, ContainerError> {
        let (entries, rest) = content.as_chunks::<3>();
        let entries_max = 1 << header.depth.min(8);
        if header.colour != Colour::Palette {
            return Ok(false);
        }
        let wrong = entries.is_empty() || entries.len() > entries_max || !rest.is_empty();
        if wrong || self.palette.is_some() || self.data != Data::Missing {
            return Err(ContainerError::Damaged("its palette is wrong"));
        }
        self.palette = Some(entries.len());
        Ok(true)
    }

    fn transparency(&mut self, content: &[u8], header: &Header) -> Result<bool, ContainerError> {
        let fits = match (header.colour, self.palette) {
            (Colour::Grey, _) => content.len() == 2,
            (Colour::Rgb, _) => content.len() == 6,
            (Colour::Palette, Some(entries)) => (1..=entries).contains(&content.len()),
            (Colour::Palette | Colour::GreyAlpha | Colour::Rgba, _) => false,
        };
        if !fits || self.transparency || self.data != Data::Missing {
            return Err(ContainerError::Damaged("its transparency is wrong"));
        }
        self.transparency = true;
        Ok(true)
    }
}
