//! WebP: RIFF chunks around one VP8 or VP8L bitstream (RFC 9649).
//!
//! The file is written anew from the bitstream, its transparency and EXIF, with a canvas of the
//! bitstream's own size: decoders stumble over files whose parts disagree about sizes.

use super::reader::Reader;
use super::{Container, ContainerError, EXIF_BYTES_MAX, Format};

/// Flags of a VP8X chunk.
const HAS_EXIF: u8 = 1 << 3;
const HAS_ALPHA: u8 = 1 << 4;

/// Most bytes a pixel that the lossy decoder holds besides the picture: planes of 4:2:0 whose
/// sides are rounded up to blocks of 16 pixels, and a copy of the transparency.
const LOSSY_BYTES: u64 = 2;

/// The same of the lossless decoder, which works on four bytes a pixel and gives out a copy.
const LOSSLESS_BYTES: u64 = 4;

/// Most bytes of a lossless bitstream. 93 bits of it can describe a prefix code of 1,024 table
/// entries, which take 4 kB in the decoder even if no pixel uses them. So this many bytes can make
/// the decoder hold 29 MB. A crop of 160x160 pixels takes half as many.
const LOSSLESS_BITSTREAM_BYTES_MAX: usize = 80 << 10;

/// The chunks that a still picture needs.
#[derive(Default)]
struct Parts<'a> {
    /// `VP8 ` or `VP8L`.
    bitstream: Option<([u8; 4], &'a [u8])>,
    alpha: Option<&'a [u8]>,
    exif: Option<&'a [u8]>,
}

pub(super) fn scan(file: &[u8]) -> Result<Container, ContainerError> {
    let parts = Parts::read(file)?;
    let (kind, bitstream) = parts.bitstream.ok_or(ContainerError::Damaged("it has no pixels"))?;
    let frame = if kind == *b"VP8L" { lossless(bitstream)? } else { lossy(bitstream)? };
    if kind == *b"VP8L" && bitstream.len() > LOSSLESS_BITSTREAM_BYTES_MAX {
        return Err(ContainerError::Unsupported("is lossless WebP of more than 80 KiB"));
    }
    // A lossless bitstream has its own transparency.
    let alpha = parts.alpha.filter(|_| kind == *b"VP8 ");
    if let Some(alpha) = alpha {
        check_alpha(alpha, &frame)?;
    }
    let pixels = u64::from(frame.width) * u64::from(frame.height);
    let transparent = frame.alpha || alpha.is_some();
    let channels = if transparent { 4 } else { 3 };
    let besides = if kind == *b"VP8L" { LOSSLESS_BYTES } else { LOSSY_BYTES };
    // Transparency is a lossless picture itself, with the alpha values as green.
    let of_alpha = if alpha.is_some() { LOSSLESS_BYTES } else { 0 };
    Ok(Container {
        format: Format::WebP,
        width: frame.width,
        height: frame.height,
        decoder_bytes: pixels * (channels + besides + of_alpha),
        blocks: 0,
        complete: true,
        bytes: write(&frame, (kind, bitstream), alpha, parts.exif),
    })
}

impl<'a> Parts<'a> {
    /// The first of each. The file's length in the RIFF header is not needed.
    fn read(file: &'a [u8]) -> Result<Self, ContainerError> {
        let mut reader = Reader(file);
        reader.bytes(12)?;
        let mut parts = Self::default();
        while !reader.is_empty() {
            // Bytes behind the last chunk do not matter.
            if parts.bitstream.is_some() && reader.0.len() < 8 {
                break;
            }
            let kind = reader.array()?;
            let length = reader.u32_le()?;
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let content = match reader.bytes(length) {
                Ok(content) => content,
                // Metadata behind the picture may be cut off.
                Err(_) if parts.bitstream.is_some() => break,
                Err(error) => return Err(error),
            };
            // A chunk of odd length is followed by a byte that fills it up.
            if length % 2 == 1 && !reader.is_empty() {
                reader.u8()?;
            }
            match &kind {
                b"VP8 " | b"VP8L" if parts.bitstream.is_none() => {
                    parts.bitstream = Some((kind, content));
                }
                b"ALPH" if parts.alpha.is_none() && parts.bitstream.is_none() => {
                    parts.alpha = Some(content);
                }
                b"EXIF" if parts.exif.is_none() && content.len() <= EXIF_BYTES_MAX => {
                    parts.exif = Some(content);
                }
                b"ANIM" | b"ANMF" => return Err(ContainerError::Unsupported("is animated")),
                _ => {}
            }
        }
        Ok(parts)
    }
}

/// What a bitstream says of itself.
struct Frame {
    width: u32,
    height: u32,
    alpha: bool,
}

/// The frame header of VP8 (RFC 6386, section 9.1).
fn lossy(bitstream: &[u8]) -> Result<Frame, ContainerError> {
    let mut reader = Reader(bitstream);
    let [a, b, c] = reader.array()?;
    let tag = u32::from_le_bytes([a, b, c, 0]);
    let (inter_frame, first_partition) = (tag & 1 == 1, tag >> 5);
    if inter_frame || reader.array()? != [0x9d, 0x01, 0x2a] {
        return Err(ContainerError::Damaged("its pixels do not begin as they should"));
    }
    // The two highest bits scale the picture on the screen.
    let (width, height) = (reader.u16_le()? & 0x3fff, reader.u16_le()? & 0x3fff);
    if width == 0 || height == 0 {
        return Err(ContainerError::Damaged("it has no width or no height"));
    }
    if usize::try_from(first_partition).is_ok_and(|length| length > reader.0.len()) {
        return Err(ContainerError::Damaged("it is cut off"));
    }
    Ok(Frame { width: width.into(), height: height.into(), alpha: false })
}

/// The header of VP8L (RFC 9649, section 3.4).
fn lossless(bitstream: &[u8]) -> Result<Frame, ContainerError> {
    let mut reader = Reader(bitstream);
    let signature = reader.u8()?;
    let bits = reader.u32_le()?;
    if signature != 0x2f || bits >> 29 != 0 {
        return Err(ContainerError::Damaged("its pixels do not begin as they should"));
    }
    let side = |bits: u32| (bits & 0x3fff) + 1;
    Ok(Frame { width: side(bits), height: side(bits >> 14), alpha: bits >> 28 & 1 == 1 })
}

/// The header of an ALPH chunk (RFC 9649, section 2.7.1.2).
fn check_alpha(alpha: &[u8], frame: &Frame) -> Result<(), ContainerError> {
    const WRONG: ContainerError = ContainerError::Damaged("its transparency is wrong");
    let (header, values) = alpha.split_first().ok_or(WRONG)?;
    let pixels = u64::from(frame.width) * u64::from(frame.height);
    let fits = match header & 3 {
        // Not compressed: a byte a pixel.
        0 => values.len() as u64 == pixels,
        // As a lossless bitstream without a header.
        1 if values.len() > LOSSLESS_BITSTREAM_BYTES_MAX => {
            return Err(ContainerError::Unsupported("has transparency of more than 80 KiB"));
        }
        1 => !values.is_empty(),
        _ => false,
    };
    if fits { Ok(()) } else { Err(WRONG) }
}

/// The file anew.
fn write(
    frame: &Frame,
    (kind, bitstream): ([u8; 4], &[u8]),
    alpha: Option<&[u8]>,
    exif: Option<&[u8]>,
) -> Vec<u8> {
    let parts = [alpha, Some(bitstream), exif];
    let content: usize = parts.iter().flatten().map(|part| part.len() + 10).sum();
    let mut file = Vec::with_capacity(content + 32);
    // The length is filled in at the end.
    file.extend_from_slice(b"RIFF\0\0\0\0WEBP");
    if alpha.is_some() || exif.is_some() {
        let mut flags = 0;
        if alpha.is_some() || frame.alpha {
            flags |= HAS_ALPHA;
        }
        if exif.is_some() {
            flags |= HAS_EXIF;
        }
        let side = |side: u32| {
            let [a, b, c, _] = (side - 1).to_le_bytes();
            [a, b, c]
        };
        let mut canvas = vec![flags, 0, 0, 0];
        canvas.extend(side(frame.width));
        canvas.extend(side(frame.height));
        push_chunk(&mut file, *b"VP8X", &canvas);
    }
    if let Some(alpha) = alpha {
        push_chunk(&mut file, *b"ALPH", alpha);
    }
    push_chunk(&mut file, kind, bitstream);
    if let Some(exif) = exif {
        push_chunk(&mut file, *b"EXIF", exif);
    }
    let length = u32::try_from(file.len() - 8).unwrap_or(u32::MAX);
    if let Some(field) = file.get_mut(4..8) {
        field.copy_from_slice(&length.to_le_bytes());
    }
    file
}

fn push_chunk(file: &mut Vec<u8>, kind: [u8; 4], content: &[u8]) {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    file.extend_from_slice(&kind);
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(content);
    if content.len() % 2 == 1 {
        file.push(0);
    }
}
