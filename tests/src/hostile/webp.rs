//! Hostile WebP files.

use super::Files;
use super::bits::Bits;

/// A lossy bitstream of 64 x 64 pixels, all of one colour or another: a header and zeros.
fn lossy(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = vec![0x10, 0x02, 0, 0x9d, 0x01, 0x2a];
    bytes.extend(width.to_le_bytes());
    bytes.extend(height.to_le_bytes());
    bytes.resize(bytes.len() + 60, 0);
    bytes
}

/// The header of a lossless bitstream.
fn lossless(width: u32, height: u32) -> Bits {
    let mut bits = Bits::default();
    bits.push(0x2f, 8).push(width - 1, 14).push(height - 1, 14).push(0, 4);
    bits
}

pub(super) fn all() -> Files {
    let mut files = lengths();
    files.extend(sizes());
    files.extend(lossless_codes());
    files
}

/// Chunks that claim to be longer than the file.
fn lengths() -> Files {
    let claims = |kind: &[u8; 4], length: u32| {
        let mut file = riff(&[canvas(64, 64, 0x2c), chunk(b"VP8 ", &lossy(64, 64))]);
        file.extend_from_slice(kind);
        file.extend(length.to_le_bytes());
        file
    };
    let first = |length: u32| {
        let mut file = riff(&[canvas(64, 64, 0x08)]);
        file.extend(b"EXIF");
        file.extend(length.to_le_bytes());
        file
    };
    let many = vec![chunk(b"abcd", b""); 300_000];
    let frame = [&[0; 6][..], &[63, 0, 0, 63, 0, 0, 1, 0, 0, 0], &chunk(b"VP8 ", &lossy(64, 64))];
    let animated = |width, height, frames| {
        let mut chunks = vec![canvas(width, height, 0x02), chunk(b"ANIM", &[0; 6])];
        chunks.extend(vec![chunk(b"ANMF", &frame.concat()); frames]);
        riff(&chunks)
    };
    vec![
        ("WebP: EXIF of 2^32 - 1 bytes", first(u32::MAX)),
        ("WebP: EXIF of 2^31 - 16 bytes", first((1 << 31) - 16)),
        ("WebP: EXIF of 512 MiB", first(512 << 20)),
        ("WebP: EXIF of 2^32 - 1 bytes behind the picture", claims(b"EXIF", u32::MAX)),
        ("WebP: a profile of 2^31 - 16 bytes", claims(b"ICCP", (1 << 31) - 16)),
        ("WebP: XMP of 1 GiB", claims(b"XMP ", 1 << 30)),
        (
            "WebP: 300,000 empty chunks",
            riff(&[many, vec![chunk(b"VP8 ", &lossy(64, 64))]].concat()),
        ),
        ("WebP: an animation of 6 megapixels", animated(4_096, 1_464, 1)),
        ("WebP: an animation of 1,000 frames", animated(64, 64, 1_000)),
        ("WebP: an animation without frames", riff(&[canvas(64, 64, 2), chunk(b"ANIM", &[0; 6])])),
    ]
}

/// Parts that disagree about the picture's size.
fn sizes() -> Files {
    let extended = |side, flags, chunks: &[Vec<u8>]| {
        riff(&[vec![canvas(side, side, flags)], chunks.to_vec()].concat())
    };
    let picture = |width, height| chunk(b"VP8 ", &lossy(width, height));
    let alpha = |bytes: Vec<u8>| [chunk(b"ALPH", &bytes), picture(64, 64)];
    let large = |bits: u32| {
        let mut bitstream = lossy(64, 64);
        let tag = u32::from(bitstream[0]) | bits << 5;
        bitstream[..3].copy_from_slice(&tag.to_le_bytes()[..3]);
        riff(&[chunk(b"VP8 ", &bitstream)])
    };
    vec![
        ("WebP: a canvas larger than its picture", extended(16_384, 0, &[picture(64, 64)])),
        ("WebP: a canvas smaller than its picture", extended(64, 0, &[picture(2_048, 2_048)])),
        ("WebP: a picture of 16,383 pixels a side", riff(&[picture(16_383, 16_383)])),
        ("WebP: a picture without width", riff(&[picture(0, 64)])),
        ("WebP: transparency of one pixel", extended(64, 0x10, &alpha(vec![0, 7]))),
        ("WebP: transparency of too many pixels", extended(64, 0x10, &alpha(vec![0; 100_000]))),
        ("WebP: transparency that is not compressed", extended(64, 0x10, &alpha(vec![1; 400]))),
        ("WebP: empty transparency", extended(64, 0x10, &alpha(vec![]))),
        ("WebP: lossless behind a lossy header", riff(&[chunk(b"VP8L", &lossy(64, 64))])),
        ("WebP: two pictures", riff(&[picture(64, 64), picture(4_096, 1_464)])),
        ("WebP: a first partition beyond the file", large(0x7_ffff)),
        ("WebP: 6 megapixels of nothing", riff(&[picture(4_096, 1_464)])),
        ("WebP: no picture", riff(&[canvas(64, 64, 0)])),
    ]
}

/// Lossless pictures whose codes take more than their pixels.
fn lossless_codes() -> Files {
    let file = |bits: &mut Bits| riff(&[chunk(b"VP8L", &bits.finish())]);
    vec![
        ("WebP: lossless of 16,384 pixels a side", file(lossless(16_384, 16_384).push(0, 64))),
        ("WebP: lossless that ends after its header", file(&mut lossless(64, 64))),
        ("WebP: lossless of ones", file(lossless(64, 64).push(u32::MAX, 32).push(u32::MAX, 32))),
        ("WebP: 16,384 groups of codes for one pixel", file(&mut groups(0x3fff))),
        ("WebP: as many groups as fit into 80 KiB", file(&mut groups(5_980))),
        ("WebP: 60,000 groups of codes, cut off", file(&mut groups_cut(0xea60))),
    ]
}

/// A picture whose entropy image, of one pixel, names the group with this index.
fn groups_cut(index: u32) -> Bits {
    let mut bits = lossless(64, 64);
    // No transform, no colour cache, groups of codes for blocks of 512 pixels a side.
    bits.push(0, 1).push(0, 1).push(1, 1).push(7, 3);
    // The entropy image: no colour cache, and five codes of one symbol each.
    bits.push(0, 1);
    for symbol in [index & 0xff, index >> 8, 0, 0, 0] {
        bits.push(0b101, 3).push(symbol, 8);
    }
    bits
}

/// The same, with all groups up to that one. The first code of each has eleven symbols whose codes
/// have 1 to 10 bits, for which a decoder makes a table of 1,024 entries.
fn groups(index: u32) -> Bits {
    let mut bits = groups_cut(index);
    for _ in 0..=index {
        // A normal code. The lengths of its codes are written with codes of 3 bits for 1 to 6, and
        // of 4 bits for 7 to 10; the order in which these are given is the format's.
        bits.push(0, 1).push(10, 4);
        for length in [0, 0, 0, 3, 3, 3, 3, 3, 0, 3, 4, 4, 4, 4] {
            bits.push(length, 3);
        }
        // Eleven symbols: 2 + 9, in a number of 4 bits.
        bits.push(1, 1).push(1, 3).push(9, 4);
        for length in 1..=6 {
            bits.push_code(length - 1, 3);
        }
        for length in [7, 8, 9, 10, 10] {
            bits.push_code(12 + length - 7, 4);
        }
        for _ in 0..4 {
            bits.push(0b001, 3).push(0, 1);
        }
    }
    bits.push(0, 256);
    bits
}

fn canvas(width: u32, height: u32, flags: u8) -> Vec<u8> {
    let mut content = vec![flags, 0, 0, 0];
    for side in [width, height] {
        content.extend(&(side - 1).to_le_bytes()[..3]);
    }
    chunk(b"VP8X", &content)
}

fn chunk(kind: &[u8], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut chunk = [kind, &length, content].concat();
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let content = chunks.concat();
    let length = u32::try_from(content.len() + 4).unwrap_or(u32::MAX).to_le_bytes();
    [b"RIFF", &length[..], b"WEBP", &content].concat()
}
