//! Hostile JPEG files. Their Huffman tables have one code each, of one bit, which says that a block
//! is as the one before it. So a block takes two bits, and eight zeros are four blocks.

use super::Files;

/// Kinds of frames.
const BASELINE: u8 = 0xc0;
const PROGRESSIVE: u8 = 0xc2;

/// Sampling factors.
const GREY: &[u8] = &[0x11];
const FULL: &[u8] = &[0x11, 0x11, 0x11];
const QUARTER: &[u8] = &[0x22, 0x11, 0x11];
const CMYK: &[u8] = &[0x11, 0x11, 0x11, 0x11];

/// Megapixels that are taken at most: 6.
const LARGE: [u16; 2] = [3_000, 2_000];
const SMALL: [u16; 2] = [64, 64];

/// Megapixels of photographs: 25 at most.
const PHOTOGRAPH: [u16; 2] = [6_048, 4_032];
const PANORAMA: [u16; 2] = [12_000, 2_000];

pub(super) fn all() -> Files {
    let mut files = scans();
    files.extend(frames());
    files.extend(photographs());
    files.extend(tables());
    files.extend(segments());
    files
}

fn scans() -> Files {
    let progressive = |sampling: &[u8], scans: usize| {
        let ids: Vec<u8> = (1..=sampling.len() as u8).collect();
        let mut parts = vec![frame(PROGRESSIVE, LARGE, sampling), one_bit_tables()];
        parts.extend(vec![scan(&ids, [0, 0], 100_000); scans]);
        file(&parts)
    };
    let one_each = |size, count: usize| {
        let mut parts = vec![frame(BASELINE, size, FULL), one_bit_tables()];
        parts.extend((0..count).map(|index| scan(&[(index % 3 + 1) as u8], [0, 63], 30_000)));
        file(&parts)
    };
    let refinements = |count: usize| {
        let mut parts = vec![frame(PROGRESSIVE, LARGE, QUARTER), one_bit_tables()];
        parts.push(scan(&[1, 2, 3], [0, 0], 80_000));
        parts.extend(vec![scan(&[1], [1, 63], 10_000); count]);
        file(&parts)
    };
    let mut cut = progressive(FULL, 1);
    cut.truncate(600);
    let mut cut_cmyk = progressive(CMYK, 1);
    cut_cmyk.truncate(600);
    let tiny = vec![scan(&[1], [0, 63], 8); 50_000];
    vec![
        ("JPEG: progressive of 6 megapixels", progressive(FULL, 1)),
        ("JPEG: progressive of 6 megapixels in CMYK", progressive(CMYK, 1)),
        ("JPEG: progressive of 6 megapixels, cut off", cut),
        ("JPEG: progressive in CMYK, cut off", cut_cmyk),
        ("JPEG: progressive of 30 times the same scan", progressive(QUARTER, 30)),
        ("JPEG: 300 scans of what is fine", refinements(300)),
        (
            "JPEG: 50,000 scans",
            file(&[vec![frame(BASELINE, [8, 8], GREY), one_bit_tables()], tiny].concat()),
        ),
        ("JPEG: three scans of 6 megapixels", one_each(LARGE, 3)),
        ("JPEG: 60 scans of 6 megapixels", one_each(LARGE, 60)),
        (
            "JPEG: a scan before its frame",
            file(&[scan(&[1], [0, 63], 99), frame(BASELINE, SMALL, GREY)]),
        ),
        ("JPEG: a scan of a channel that is not there", with(GREY, &[scan(&[9], [0, 63], 99)])),
        ("JPEG: a scan of the same channel twice", with(FULL, &[scan(&[1, 1], [0, 63], 99)])),
        ("JPEG: a scan of no channel", with(GREY, &[scan(&[], [0, 63], 99)])),
        ("JPEG: a scan from 63 to 0", with(GREY, &[scan(&[1], [63, 0], 99)])),
        (
            "JPEG: a scan without its tables",
            file(&[frame(BASELINE, SMALL, GREY), scan(&[1], [0, 63], 99)]),
        ),
    ]
}

fn frames() -> Files {
    let ids = |sampling: &[u8]| (1..=sampling.len() as u8).collect::<Vec<_>>();
    let whole = |kind, size, sampling: &[u8]| {
        let scan = scan(&ids(sampling), [0, 63], 9_000);
        file(&[frame(kind, size, sampling), one_bit_tables(), scan])
    };
    let split = |sampling: &[u8]| {
        let mut parts = vec![frame(BASELINE, SMALL, sampling), one_bit_tables()];
        parts.extend(ids(sampling).iter().map(|id| scan(&[*id], [0, 63], 999)));
        file(&parts)
    };
    let twice = |first: &[u8], second: &[u8]| {
        let scan = scan(&ids(second), [0, 63], 999);
        file(&[
            frame(BASELINE, SMALL, first),
            frame(BASELINE, LARGE, second),
            one_bit_tables(),
            scan,
        ])
    };
    let mut deep = frame(BASELINE, SMALL, GREY);
    deep[4] = 12;
    let deep = file(&[deep, one_bit_tables(), scan(&[1], [0, 63], 99)]);
    let lines = [&[0xff, 0xdc, 0, 4], &2_000u16.to_be_bytes()[..]].concat();
    let late = [frame(BASELINE, [64, 0], GREY), one_bit_tables(), scan(&[1], [0, 63], 99), lines];
    vec![
        ("JPEG: 65,535 pixels a side", whole(BASELINE, [65_535, 65_535], GREY)),
        ("JPEG: a height that comes later", file(&late)),
        ("JPEG: no channels", whole(BASELINE, SMALL, &[])),
        ("JPEG: two channels", whole(BASELINE, SMALL, &[0x11; 2])),
        ("JPEG: five channels", whole(BASELINE, SMALL, &[0x11; 5])),
        ("JPEG: 200 channels", whole(BASELINE, SMALL, &[0x11; 200])),
        ("JPEG: 12 bits a channel", deep),
        ("JPEG: lossless", whole(0xc3, SMALL, GREY)),
        ("JPEG: arithmetically coded", whole(0xc9, SMALL, GREY)),
        ("JPEG: hierarchical", whole(0xc5, SMALL, GREY)),
        ("JPEG: no sampling", whole(BASELINE, SMALL, &[0, 0, 0])),
        ("JPEG: sampling by three", whole(BASELINE, SMALL, &[0x33, 0x11, 0x11])),
        ("JPEG: sampling by fifteen", whole(BASELINE, SMALL, &[0xff, 0x11, 0x11])),
        ("JPEG: colours finer than light", whole(BASELINE, SMALL, &[0x11, 0x22, 0x22])),
        ("JPEG: unusual sampling in several scans", split(&[0x14, 0x21, 0x12])),
        ("JPEG: usual sampling in several scans", split(QUARTER)),
        ("JPEG: grey that is sampled by four in several scans", split(&[0x44])),
        ("JPEG: a second frame of other dimensions", twice(GREY, GREY)),
        ("JPEG: a second frame of more channels", twice(GREY, CMYK)),
    ]
}

/// These are too large for a crop, but not for a photograph.
fn photographs() -> Files {
    let ids = |sampling: &[u8]| (1..=sampling.len() as u8).collect::<Vec<_>>();
    let whole = |size, sampling: &[u8], tables: Vec<u8>, data| {
        let scan = scan(&ids(sampling), [0, 63], data);
        file(&[frame(BASELINE, size, sampling), tables, scan])
    };
    let apart = |size, sampling: &[u8], data| {
        let mut parts = vec![frame(BASELINE, size, sampling), one_bit_tables()];
        parts.extend(ids(sampling).iter().map(|id| scan(&[*id], [0, 63], data)));
        file(&parts)
    };
    let mut cut = whole(PHOTOGRAPH, FULL, one_bit_tables(), 300_000);
    cut.truncate(200_000);
    // A coefficient that is not zero takes two bits, and so a block takes 16 bytes.
    let dense = one_bit_codes(1);
    let mut restarts = vec![frame(BASELINE, PHOTOGRAPH, GREY), one_bit_tables()];
    restarts.extend([segment(0xdd, &[0, 1]), scan(&[1], [0, 63], 0)]);
    let units = 6_048 / 8 * 4_032 / 8;
    restarts.push((0..units).flat_map(|n| [0, 0xff, 0xd0 + (n % 8) as u8]).collect());
    vec![
        ("JPEG: 24 megapixels", whole(PHOTOGRAPH, FULL, one_bit_tables(), 300_000)),
        ("JPEG: 24 megapixels in CMYK", whole(PHOTOGRAPH, CMYK, one_bit_tables(), 400_000)),
        ("JPEG: 24 megapixels, cut off", cut),
        ("JPEG: 24 megapixels, each channel apart", apart(PHOTOGRAPH, QUARTER, 100_000)),
        (
            "JPEG: 24 megapixels in rows of four blocks",
            apart(PANORAMA, &[0x14, 0x11, 0x11], 100_000),
        ),
        (
            "JPEG: 24 megapixels in four by two",
            whole(PANORAMA, &[0x42, 0x11, 0x11], one_bit_tables(), 200_000),
        ),
        ("JPEG: 16 megapixels of all coefficients", whole([4_000, 4_000], GREY, dense, 4_100_000)),
        ("JPEG: 24 megapixels, each block restarted", file(&restarts)),
    ]
}

fn tables() -> Files {
    let with_table = |marker: u8, content: &[u8]| {
        with(GREY, &[segment(marker, content), scan(&[1], [0, 63], 999)])
    };
    let mut counts = vec![0];
    counts.extend([255; 16]);
    let mut restarts = vec![segment(0xdd, &[0, 1]), scan(&[1], [0, 63], 0)];
    restarts.push((0..40_000u32).flat_map(|n| [0, 0xff, 0xd0 + (n % 8) as u8]).collect());
    vec![
        ("JPEG: a Huffman table of 4,080 codes", with_table(0xc4, &counts)),
        ("JPEG: a Huffman table that is cut off", with_table(0xc4, &[0, 1, 2])),
        ("JPEG: a Huffman table for no channel", with_table(0xc4, &[0x0f; 18])),
        (
            "JPEG: a Huffman table with more codes than there are",
            with_table(0xc4, &{
                let mut content = vec![0, 3];
                content.extend([0; 15]);
                content.extend([1, 2, 3]);
                content
            }),
        ),
        ("JPEG: a quantisation table for no channel", with_table(0xdb, &[0x09; 65])),
        ("JPEG: a quantisation table of 32 bits", with_table(0xdb, &[0x20; 129])),
        ("JPEG: 40,000 restarts", with(GREY, &restarts)),
        ("JPEG: 30,000 tables", with(GREY, &vec![one_bit_tables(); 30_000])),
    ]
}

fn segments() -> Files {
    let before = |marker: u8, content: &[u8], count: usize| {
        let mut parts = vec![segment(marker, content); count];
        parts.extend([frame(BASELINE, SMALL, GREY), one_bit_tables(), scan(&[1], [0, 63], 999)]);
        file(&parts)
    };
    let exif = |tiff: &[u8]| before(0xe1, &[b"Exif\0\0", tiff].concat(), 1);
    let profile = [b"ICC_PROFILE\0\x01\xff".to_vec(), vec![7; 16_000]].concat();
    let mut truncated = before(0xfe, b"a", 1);
    truncated.truncate(truncated.len() - 2);
    vec![
        ("JPEG: 250 pieces of a profile", before(0xe2, &profile, 250)),
        ("JPEG: 60,000 comments", before(0xfe, b"a", 60_000)),
        (
            "JPEG: a list of EXIF entries that leads to itself",
            exif(b"II*\0\x08\0\0\0\0\0\x08\0\0\0"),
        ),
        (
            "JPEG: EXIF of 2^32 - 1 entries",
            exif(b"MM\0*\0\0\0\x08\xff\xff\x01\x12\0\x03\xff\xff\xff\xff"),
        ),
        (
            "JPEG: an orientation of 77",
            exif(b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x4d\0\0\0\0\0\0"),
        ),
        ("JPEG: no end", truncated),
        ("JPEG: a segment of no length", file(&[vec![0xff, 0xe0, 0, 0]])),
        ("JPEG: a thousand beginnings", file(&vec![vec![0xff, 0xd8]; 1_000])),
        ("JPEG: a mebibyte of padding", file(&[vec![0xff; 1 << 20], frame(BASELINE, SMALL, GREY)])),
    ]
}

/// A small picture with more parts after its tables.
fn with(sampling: &[u8], parts: &[Vec<u8>]) -> Vec<u8> {
    let mut all = vec![frame(BASELINE, SMALL, sampling), one_bit_tables()];
    all.extend(parts.iter().cloned());
    file(&all)
}

fn file(parts: &[Vec<u8>]) -> Vec<u8> {
    [&[0xff, 0xd8][..], &parts.concat(), &[0xff, 0xd9]].concat()
}

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap_or(u16::MAX).to_be_bytes();
    [&[0xff, marker], &length[..], content].concat()
}

fn frame(kind: u8, [width, height]: [u16; 2], sampling: &[u8]) -> Vec<u8> {
    let mut content = vec![8];
    content.extend(height.to_be_bytes());
    content.extend(width.to_be_bytes());
    content.push(sampling.len() as u8);
    content.extend(sampling.iter().zip(1..).flat_map(|(factors, id)| [id, *factors, 0]));
    segment(kind, &content)
}

/// A quantisation table of ones, and for means and for the rest one code of one bit.
fn one_bit_tables() -> Vec<u8> {
    one_bit_codes(0)
}

/// The same, where the code for the rest stands for another symbol.
fn one_bit_codes(symbol: u8) -> Vec<u8> {
    let quantisation = [&[0][..], &[1; 64]].concat();
    let huffman = |class: u8, symbol: u8| {
        let mut content = vec![class << 4, 1];
        content.extend([0; 15]);
        content.push(symbol);
        segment(0xc4, &content)
    };
    [segment(0xdb, &quantisation), huffman(0, 0), huffman(1, symbol)].concat()
}

/// A scan of some channels and coefficients, with so many bytes of data.
fn scan(ids: &[u8], [first, last]: [u8; 2], data: usize) -> Vec<u8> {
    let mut content = vec![ids.len() as u8];
    content.extend(ids.iter().flat_map(|id| [*id, 0]));
    content.extend([first, last, 0]);
    let mut scan = segment(0xda, &content);
    scan.resize(scan.len() + data, 0);
    scan
}
