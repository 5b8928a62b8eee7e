//! Hostile PNG files.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::Files;

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// A mebibyte.
const MIB: usize = 1 << 20;

/// 8 bits of RGB.
const RGB: [u8; 2] = [8, 2];

/// The name of the picture that takes the most memory of those that a decoder gets.
pub(super) const LARGEST: &str = "PNG: 6 megapixels in 4 MB";

pub(super) fn all() -> Files {
    let plain = [idat(&rows(64, 64, 3)), end()];
    let with = |chunks: &[Vec<u8>]| {
        let mut all = chunks.to_vec();
        all.extend(plain.clone());
        file(64, 64, RGB, 0, &all)
    };
    let text = |kind: &[u8; 4], head: &[u8]| {
        let content = [head, &deflated(&vec![b'a'; 20 * MIB])].concat();
        with(&[chunk(*kind, &content)])
    };
    let mut files = vec![
        ("PNG: a profile that expands to 20 MiB", text(b"iCCP", b"a\0\0")),
        ("PNG: a text that expands to 20 MiB", text(b"zTXt", b"a\0\0")),
        ("PNG: a text in Unicode that expands to 20 MiB", text(b"iTXt", b"a\0\x01\0\0\0")),
        ("PNG: 100,000 chunks of text", with(&vec![chunk(*b"tEXt", b"a\0b"); 100_000])),
        ("PNG: EXIF of a mebibyte", with(&[chunk(*b"eXIf", &vec![b'M'; MIB])])),
        ("PNG: 1,000 frames of an animation", with(&animation(1_000))),
        ("PNG: a chunk that must be known and is not", with(&[chunk(*b"ABCD", b"")])),
        ("PNG: two headers", with(&[header(64, 64, RGB, 0)])),
        ("PNG: a palette of seven bytes", with(&[chunk(*b"PLTE", &[0; 7])])),
    ];
    files.extend(dimensions());
    files.extend(data(&plain));
    files
}

fn dimensions() -> Files {
    let end = |data: Vec<u8>| [idat(&data), end()];
    let palette = |content: &[u8], transparency: &[u8]| {
        let chunks = [chunk(*b"PLTE", content), chunk(*b"tRNS", transparency)];
        let data = end(rows(64, 64, 1));
        file(64, 64, [8, 3], 0, &[&chunks[..], &data[..]].concat())
    };
    vec![
        ("PNG: 65,535 pixels a side", file(65_535, 65_535, RGB, 0, &end(vec![0; 9]))),
        ("PNG: 2^31 - 1 pixels a side", file(0x7fff_ffff, 0x7fff_ffff, RGB, 0, &end(vec![0; 9]))),
        ("PNG: no pixels a side", file(0, 0, RGB, 0, &end(vec![]))),
        (
            "PNG: 6 megapixels of 64 bits",
            file(4_096, 1_464, [16, 6], 0, &end(rows(4_096, 1_464, 8))),
        ),
        (
            "PNG: 6 megapixels with transparency",
            file(4_096, 1_464, [8, 6], 0, &end(rows(4_096, 1_464, 4))),
        ),
        ("PNG: 6 megapixels, interlaced", file(4_096, 1_464, RGB, 1, &end(rows(4_096, 1_470, 3)))),
        ("PNG: three bits a channel", file(64, 64, [3, 2], 0, &end(rows(64, 64, 3)))),
        ("PNG: a palette with a third of a colour", palette(&[0; 7], &[0])),
        ("PNG: more transparency than colours", palette(&[0; 6], &[0; 256])),
        ("PNG: indices beyond the palette", palette(&[0; 3], &[0])),
    ]
}

fn data(plain: &[Vec<u8>; 2]) -> Files {
    let [data, end] = plain;
    let mut cut = file(64, 64, RGB, 0, plain);
    cut.truncate(cut.len() / 2);
    let mut damaged = file(64, 64, RGB, 0, plain);
    let middle = damaged.len() - 40;
    damaged[middle] ^= 0xff;
    let long = |length: u32| {
        let mut file = file(64, 64, RGB, 0, plain);
        file[33..37].copy_from_slice(&length.to_be_bytes());
        file
    };
    let few = idat(&rows(64, 8, 3));
    let unknown_filter = idat(&[9; 64 * 193]);
    let wild = chunk(*b"IDAT", &[0xff; 5_000]);
    // The largest file of the largest picture: what decoding takes besides comes on top.
    let mut noisy = rows(3_000, 2_000, 4);
    noise(&mut noisy[..4_000_000]);
    vec![
        (LARGEST, file(3_000, 2_000, [8, 6], 0, &[idat(&noisy), end.clone()])),
        ("PNG: cut in half", cut),
        ("PNG: a wrong checksum", damaged),
        ("PNG: a chunk of 2^31 - 1 bytes", long(0x7fff_ffff)),
        ("PNG: a chunk of 2^32 - 1 bytes", long(u32::MAX)),
        ("PNG: 100,000 empty pieces of data", {
            let mut chunks = vec![chunk(*b"IDAT", b""); 100_000];
            chunks.extend([data.clone(), end.clone()]);
            file(64, 64, RGB, 0, &chunks)
        }),
        (
            "PNG: 40 MiB of rows in 64",
            file(64, 64, RGB, 0, &[idat(&vec![0; 40 * MIB]), end.clone()]),
        ),
        ("PNG: an eighth of the rows", file(64, 64, RGB, 0, &[few, end.clone()])),
        ("PNG: filters that do not exist", file(64, 64, RGB, 0, &[unknown_filter, end.clone()])),
        ("PNG: data that is not compressed", file(64, 64, RGB, 0, &[wild, end.clone()])),
        ("PNG: no data", file(64, 64, RGB, 0, std::slice::from_ref(end))),
    ]
}

/// Fills rows with bytes that do not compress, and filters them as they are.
fn noise(rows: &mut [u8]) {
    let mut state = 1u32;
    for (at, byte) in rows.iter_mut().enumerate() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = if at % 12_001 == 0 { 0 } else { (state >> 24) as u8 };
    }
}

/// Frames of one pixel.
fn animation(frames: u32) -> Vec<Vec<u8>> {
    let control = |sequence: u32| {
        let mut content = sequence.to_be_bytes().to_vec();
        content.extend([0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0]);
        chunk(*b"fcTL", &content)
    };
    let count = [frames.to_be_bytes(), [0; 4]].concat();
    let mut chunks = vec![chunk(*b"acTL", &count)];
    chunks.extend((0..frames).map(control));
    chunks
}

/// Rows of zeros, each with its filter.
fn rows(width: usize, height: usize, pixel_bytes: usize) -> Vec<u8> {
    vec![0; (width * pixel_bytes + 1) * height]
}

fn file(width: u32, height: u32, kind: [u8; 2], interlaced: u8, chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut file = [&SIGNATURE[..], &header(width, height, kind, interlaced)].concat();
    file.extend(chunks.concat());
    file
}

fn header(width: u32, height: u32, [depth, colour]: [u8; 2], interlaced: u8) -> Vec<u8> {
    let [width, height] = [width, height].map(u32::to_be_bytes);
    chunk(*b"IHDR", &[&width[..], &height[..], &[depth, colour, 0, 0, interlaced]].concat())
}

fn idat(rows: &[u8]) -> Vec<u8> {
    chunk(*b"IDAT", &deflated(rows))
}

fn end() -> Vec<u8> {
    chunk(*b"IEND", b"")
}

fn chunk(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&kind);
    checksum.update(content);
    [&length[..], &kind, content, &checksum.finalize().to_be_bytes()].concat()
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail.
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
}
