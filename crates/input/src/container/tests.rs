//! The scan against real pictures in every form, which must decode as before, and against files
//! whose parts lie.

use std::path::{Path, PathBuf};

use super::*;

fn scan(file: &[u8]) -> Result<Container, ContainerError> {
    super::scan(file.to_vec())
}

/// Pictures in every form, with what Pillow makes of them; the tests of `facenet` compare decoding.
fn pictures() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../facenet/tests/it/golden/pictures");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|file| (file.clone(), std::fs::read(file).unwrap())).collect()
}

#[test]
fn what_is_left_decodes_to_the_same_pixels() {
    let all = pictures();
    assert!(all.len() > 30);
    for (file, bytes) in all {
        let container = scan(&bytes).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let decode = |bytes: &[u8]| image::load_from_memory(bytes).unwrap();
        let (before, after) = (decode(&bytes), decode(&container.bytes));
        assert!(before == after, "{}", file.display());
        assert_eq!((container.width, container.height), (before.width(), before.height()));
        assert!(container.decoder_bytes >= before.as_bytes().len() as u64, "{}", file.display());
        assert!(container.bytes.len() <= bytes.len() + 32, "{}", file.display());
        // A second scan drops nothing more.
        assert_eq!(scan(&container.bytes).unwrap().bytes, container.bytes, "{}", file.display());
    }
}

/// A picture of the project's, by name.
fn picture(name: &str) -> Vec<u8> {
    let all = pictures();
    all.into_iter().find(|(file, _)| file.ends_with(name)).unwrap().1
}

#[track_caller]
fn refused(file: &[u8], why: &str) {
    let error = scan(file).unwrap_err();
    assert!(error.to_string().contains(why), "{error}");
}

#[test]
fn every_beginning_of_a_file_is_refused() {
    for name in ["rgb.jpg", "progressive.jpg", "rgb.png", "palette.png", "lossy.webp"] {
        let file = picture(name);
        for length in 0..file.len() - 1 {
            assert!(scan(&file[..length]).is_err(), "{name}: {length} bytes");
        }
    }
}

#[test]
fn no_byte_makes_the_scan_panic_or_promise_what_is_not_there() {
    for (path, file) in pictures() {
        for (position, byte) in (0..file.len()).step_by(7).flat_map(|at| [(at, 0), (at, 255)]) {
            let mut file = file.clone();
            file[position] = byte;
            if let Ok(container) = scan(&file) {
                assert!(container.bytes.len() <= file.len() + 32, "{}", path.display());
                assert!(container.width > 0 && container.height > 0);
            }
        }
    }
}

/// A chunk of a PNG. Nobody looks at the checksum before the decoder.
fn chunk(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length, &kind[..], content, &[0; 4]].concat()
}

fn png(header: [u8; 13], chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut file = png::SIGNATURE.to_vec();
    file.extend(chunk(*b"IHDR", &header));
    for (kind, content) in chunks {
        file.extend(chunk(**kind, content));
    }
    file
}

/// 1 x 1, this many bits, this kind of colour.
const fn header(depth: u8, colour: u8) -> [u8; 13] {
    [0, 0, 0, 1, 0, 0, 0, 1, depth, colour, 0, 0, 0]
}

#[test]
fn parts_of_a_png_fit_each_other() {
    let data: (&[u8; 4], &[u8]) = (b"IDAT", &[0]);
    let end: (&[u8; 4], &[u8]) = (b"IEND", &[]);
    assert!(scan(&png(header(8, 2), &[data, end])).is_ok());
    refused(&png(header(3, 2), &[data, end]), "header");
    refused(&png([0; 13], &[data, end]), "header");
    refused(&png(header(8, 2), &[end]), "no pixels");
    refused(&png(header(8, 2), &[data]), "cut off");
    refused(&png(header(8, 2), &[data, (b"tEXt", b"a"), data, end]), "in pieces");
    refused(&png(header(8, 2), &[(b"IHDR", &header(8, 2)), data, end]), "two headers");
    refused(&png(header(8, 2), &[(b"ABCD", b""), data, end]), "not known");
    refused(&png(header(8, 3), &[data, end]), "no palette");
    // Seven bytes of palette are two colours and a third of one.
    refused(&png(header(8, 3), &[(b"PLTE", &[0; 7]), data, end]), "palette");
    refused(&png(header(1, 3), &[(b"PLTE", &[0; 9]), data, end]), "palette");
    let palette: (&[u8; 4], &[u8]) = (b"PLTE", &[0; 6]);
    assert!(scan(&png(header(1, 3), &[palette, (b"tRNS", &[0; 2]), data, end])).is_ok());
    refused(&png(header(1, 3), &[palette, (b"tRNS", &[0; 3]), data, end]), "transparency");
    refused(&png(header(8, 6), &[(b"tRNS", &[0; 6]), data, end]), "transparency");
    let mut long = png(header(8, 2), &[data, end]);
    long[33] = 0x80;
    refused(&long, "longer than the format allows");
}

#[test]
fn profiles_texts_and_animations_of_a_png_are_dropped() {
    let data: (&[u8; 4], &[u8]) = (b"IDAT", &[0]);
    let end: (&[u8; 4], &[u8]) = (b"IEND", &[]);
    let plain = png(header(8, 2), &[data, end]);
    let long = vec![7; EXIF_BYTES_MAX + 1];
    let more: [(&[u8; 4], &[u8]); 5] = [
        (b"iCCP", &[7; 900]),
        (b"zTXt", &[7; 900]),
        (b"acTL", &[0; 8]),
        (b"PLTE", &[7; 7]),
        (b"eXIf", &long),
    ];
    let all: Vec<_> = more.into_iter().chain([data, (b"fdAT", &[1]), end]).collect();
    assert_eq!(scan(&png(header(8, 2), &all)).unwrap().bytes, plain);
}

fn riff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut file = b"RIFF\0\0\0\0WEBP".to_vec();
    for (kind, content) in chunks {
        file.extend_from_slice(*kind);
        file.extend(u32::try_from(content.len()).unwrap().to_le_bytes());
        file.extend_from_slice(content);
        file.resize(file.len().next_multiple_of(2), 0);
    }
    file
}

/// A lossy bitstream of 16 x 8 pixels that is only a header.
const LOSSY: [u8; 11] = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 16, 0, 8, 0, 0];

/// The same, lossless.
const LOSSLESS: [u8; 6] = [0x2f, 15, 0xc0, 1, 0, 0];

#[test]
fn a_webp_is_written_anew_with_a_canvas_of_its_own_size() {
    let exif: (&[u8; 4], &[u8]) = (b"EXIF", b"MM");
    // A canvas of 2^24 pixels a side, a profile, an alpha that belongs to nothing lossless.
    let canvas: (&[u8; 4], &[u8]) = (b"VP8X", &[0xff; 10]);
    let file = riff(&[canvas, (b"ICCP", &[1; 99]), (b"VP8 ", &LOSSY), exif]);
    let container = scan(&file).unwrap();
    assert_eq!((container.width, container.height), (16, 8));
    let small: (&[u8; 4], &[u8]) = (b"VP8X", &[HAS_EXIF, 0, 0, 0, 15, 0, 0, 7, 0, 0]);
    let mut expected = riff(&[small, (b"VP8 ", &LOSSY), exif]);
    let length = u32::try_from(expected.len() - 8).unwrap();
    expected[4..8].copy_from_slice(&length.to_le_bytes());
    assert_eq!(container.bytes, expected);
    let lossless = scan(&riff(&[(b"VP8L", &LOSSLESS)])).unwrap();
    assert_eq!((lossless.width, lossless.height), (16, 8));
}

const HAS_EXIF: u8 = 8;

#[test]
fn parts_of_a_webp_fit_each_other() {
    let lossy: (&[u8; 4], &[u8]) = (b"VP8 ", &LOSSY);
    refused(&riff(&[]), "no pixels");
    refused(&riff(&[(b"EXIF", b"MM")]), "no pixels");
    refused(&riff(&[(b"ANIM", &[0; 6]), lossy]), "animated");
    refused(&riff(&[(b"ALPH", &[]), lossy]), "transparency");
    refused(&riff(&[(b"ALPH", &[0; 128]), lossy]), "transparency");
    assert!(scan(&riff(&[(b"ALPH", &[0; 129]), lossy])).is_ok());
    refused(&riff(&[(b"VP8 ", &[0x11, 0, 0, 0x9d, 1, 0x2a, 16, 0, 8, 0])]), "begin");
    refused(&riff(&[(b"VP8 ", &[0x30, 0, 0, 0x9d, 1, 0x2a, 16, 0, 8, 0])]), "cut off");
    refused(&riff(&[(b"VP8 ", &[0x10, 0, 0, 0x9d, 1, 0x2a, 0, 0, 8, 0])]), "no width");
    refused(&riff(&[(b"VP8L", &[0x2f, 0, 0, 0, 0x20])]), "begin");
    let long = [&LOSSLESS[..], &vec![0; 80 << 10]].concat();
    refused(&riff(&[(b"VP8L", &long)]), "lossless");
    refused(&riff(&[(b"ALPH", &[&[1], &long[..]].concat()), lossy]), "transparency");
    // An EXIF block that claims 2^32 - 1 bytes, behind the picture: the picture is what counts.
    let mut file = riff(&[lossy]);
    file.extend(b"EXIF\xff\xff\xff\xff");
    assert_eq!(scan(&file).unwrap().bytes.len(), riff(&[lossy]).len());
    // And before it.
    let mut file = riff(&[]);
    file.extend(b"EXIF\xff\xff\xff\xff");
    file.extend(&riff(&[lossy])[12..]);
    refused(&file, "cut off");
}

/// A segment of a JPEG.
fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
    [&[0xff, marker], &length[..], content].concat()
}

fn jpeg(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8];
    file.extend(parts.concat());
    file
}

/// A frame of 16 x 16 pixels with channels of these sampling factors.
fn frame(kind: u8, sampling: &[u8]) -> Vec<u8> {
    let mut content = vec![8, 0, 16, 0, 16, u8::try_from(sampling.len()).unwrap()];
    content.extend(sampling.iter().zip(1..).flat_map(|(factors, id)| [id, *factors, 0]));
    segment(kind, &content)
}

/// A scan of these channels and the coefficients from `first` to `last`, with some data.
fn scan_of(ids: &[u8], first: u8, last: u8) -> Vec<u8> {
    let mut content = vec![u8::try_from(ids.len()).unwrap()];
    content.extend(ids.iter().flat_map(|id| [*id, 0]));
    content.extend([first, last, 0]);
    let mut scan = segment(0xda, &content);
    scan.extend([1, 2, 0xff, 0, 0xff, 0xd0, 3]);
    scan
}

const END: [u8; 2] = [0xff, 0xd9];

#[test]
fn parts_of_a_jpeg_fit_each_other() {
    let (grey, all) = (frame(0xc0, &[0x11]), scan_of(&[1], 0, 63));
    assert!(scan(&jpeg(&[grey.clone(), all.clone(), END.into()])).is_ok());
    refused(&jpeg(&[grey.clone(), all.clone()]), "cut off");
    refused(&jpeg(&[grey.clone(), END.into()]), "no pixels");
    refused(&jpeg(&[all.clone(), grey.clone(), END.into()]), "scan is wrong");
    refused(&jpeg(&[grey.clone(), grey.clone(), all.clone(), END.into()]), "two frames");
    refused(&jpeg(&[grey.clone(), scan_of(&[2], 0, 63), END.into()]), "scan is wrong");
    refused(&jpeg(&[grey.clone(), scan_of(&[1, 1], 0, 63), END.into()]), "scan is wrong");
    refused(&jpeg(&[grey.clone(), scan_of(&[1], 9, 8), END.into()]), "scan is wrong");
    refused(&jpeg(&[grey.clone(), vec![0xff, 0xd8], END.into()]), "cut off");
    refused(&jpeg(&[grey.clone(), vec![0], all.clone(), END.into()]), "rubbish");
    for kind in [0xc3, 0xc9, 0xcd] {
        refused(&jpeg(&[frame(kind, &[0x11]), all.clone(), END.into()]), "lossless");
    }
    let colours = scan_of(&[1, 2, 3], 0, 63);
    for usual in [[0x11, 0x11, 0x11], [0x21, 0x11, 0x11], [0x22, 0x11, 0x11], [0x41, 0x11, 0x11]] {
        assert!(scan(&jpeg(&[frame(0xc0, &usual), colours.clone(), END.into()])).is_ok());
    }
    for unusual in [[0x11, 0x22, 0x11], [0x33, 0x11, 0x11], [0x21, 0x12, 0x11], [0, 0, 0]] {
        refused(&jpeg(&[frame(0xc0, &unusual), colours.clone(), END.into()]), "unusual");
    }
    refused(&jpeg(&[frame(0xc0, &[0x11; 2]), colours, END.into()]), "unusual");
}

#[test]
fn a_jpeg_is_counted_in_memory_and_work() {
    let one = scan_of(&[1], 0, 63);
    let with = |kind, scans: usize| {
        let mut parts = vec![frame(kind, &[0x22, 0x11, 0x11])];
        parts.extend(vec![one.clone(); scans]);
        parts.push(END.into());
        scan(&jpeg(&parts))
    };
    // One unit of 16 x 16 pixels: four blocks of the first channel, one of each other.
    let (single, kept) = (with(0xc0, 1).unwrap(), with(0xc0, 2).unwrap());
    assert_eq!((single.decoder_bytes, single.blocks), (16 * 16 * 3, 4));
    assert_eq!((kept.decoder_bytes, kept.blocks), (16 * 16 * 3 + 6 * 128, 8));
    assert_eq!(with(0xc2, 1).unwrap().decoder_bytes, kept.decoder_bytes);
    assert!(with(0xc0, 65).is_err());
    let tables = vec![segment(0xdd, &[0, 1]); 257];
    refused(&jpeg(&[frame(0xc0, &[0x11]), tables.concat(), one, END.into()]), "tables");
}

#[test]
fn a_jpeg_that_promises_more_than_it_has_is_cut_off() {
    let mut large = frame(0xc0, &[0x11]);
    // 4096 x 4096 pixels: 262,144 blocks, of which seven bytes can hold 28.
    large[5..9].copy_from_slice(&[0x10, 0, 0x10, 0]);
    assert!(!scan(&jpeg(&[large, scan_of(&[1], 0, 63), END.into()])).unwrap().complete);
    assert!(scan(&picture("rgb.jpg")).unwrap().complete);
}

#[test]
fn previews_profiles_and_comments_of_a_jpeg_are_dropped() {
    let (grey, all) = (frame(0xc0, &[0x11]), scan_of(&[1], 0, 63));
    let exif = segment(0xe1, b"Exif\0\0MM");
    let kept = jpeg(&[exif.clone(), grey.clone(), all.clone(), END.into()]);
    let more = [
        segment(0xe0, b"JFIF\0"),
        exif,
        segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0"),
        segment(0xe1, b"Exif\0\0II"),
        segment(0xe2, b"ICC_PROFILE\0"),
        segment(0xfe, b"a comment"),
        grey,
        all,
        END.into(),
        vec![1, 2, 3],
    ];
    assert_eq!(scan(&jpeg(&more)).unwrap().bytes, kept);
}
