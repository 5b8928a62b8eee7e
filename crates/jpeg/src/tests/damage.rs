//! Files that end too soon, and files with wrong bytes.

use super::encoder::{Options, Picture};
use super::random::Random;
use super::{SAMPLINGS, whole};
use crate::{Jpeg, JpegError, Scale};

#[test]
fn every_beginning_of_a_file_is_refused() {
    let picture = Picture::random([50, 40], SAMPLINGS[4], &mut Random(6));
    for (apart, restart_interval) in [(false, 0), (false, 2), (true, 0), (true, 3)] {
        let file = picture.file(Options { apart, restart_interval, ..Options::default() });
        // The last two bytes say that it ends.
        assert!(whole(&file[..file.len() - 2], Scale::Whole).is_ok());
        for length in 0..file.len() - 2 {
            for scale in [Scale::Whole, Scale::Eighth] {
                let error = whole(&file[..length], scale).expect_err("a file that is cut off");
                let expected = match (length, restart_interval) {
                    (0..2, _) => error == JpegError::NotJpeg,
                    (_, 0) => error == JpegError::Truncated,
                    // A code may be one that is cut off.
                    _ => matches!(error, JpegError::Truncated | JpegError::Damaged(_)),
                };
                assert!(expected, "{length} of {}: {error}", file.len());
            }
        }
    }
}

#[test]
fn no_byte_makes_the_decoder_panic() {
    let mut random = Random(7);
    for sampling in SAMPLINGS {
        let picture = Picture::random([40, 30], sampling, &mut random);
        for apart in [false, true] {
            let options = Options { apart, restart_interval: 3, adobe: Some(1) };
            let file = picture.file(options);
            for place in 0..file.len() {
                let mut file = file.clone();
                file[place] = [0, 0xff, file[place] ^ 1, random.below(256) as u8][random.below(4)];
                // A side of up to 65,535 pixels takes long to be found wrong.
                let small = |jpeg: Jpeg| jpeg.width() * jpeg.height() < 1 << 16;
                if Jpeg::new(&file).is_ok_and(small) {
                    for scale in Scale::ALL {
                        let _ = whole(&file, scale);
                    }
                }
            }
        }
    }
}

#[test]
fn a_file_that_promises_more_than_it_has_ends_soon() {
    let picture = Picture::random([16, 16], SAMPLINGS[4], &mut Random(8));
    let mut file = picture.file(Options::default());
    let frame = file.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    file[frame + 5..frame + 9].fill(0xff);
    let jpeg = Jpeg::new(&file).unwrap();
    assert_eq!([jpeg.width(), jpeg.height()], [65_535; 2]);
    assert_eq!(whole(&file, Scale::Eighth), Err(JpegError::Truncated));
}

#[test]
fn what_is_not_decoded_is_named() {
    let picture = Picture::random([16, 16], SAMPLINGS[1], &mut Random(9));
    let file = picture.file(Options::default());
    let frame = file.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    let with = |place: usize, byte: u8| {
        let mut file = file.clone();
        file[frame + place] = byte;
        Jpeg::new(&file).map(|_| ()).unwrap_err()
    };
    assert_eq!(with(1, 0xc2), JpegError::Unsupported("is progressive"));
    assert!(matches!(with(1, 0xc9), JpegError::Unsupported(_)));
    assert_eq!(with(4, 12), JpegError::Unsupported("does not have 8 bits a channel"));
    assert_eq!(with(11, 0x33), JpegError::Unsupported("samples its colours in an unusual way"));
    assert_eq!(with(13, 1), JpegError::Damaged("its frame is wrong"));
    assert_eq!(Jpeg::new(b"\x89PNG").map(|_| ()), Err(JpegError::NotJpeg));
}
