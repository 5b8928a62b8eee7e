//! What a file consists of: markers, segments, and the codes of pixels (ITU-T T.81, annex B).
//! Whoever walks through a file takes its parts one after the other from the front.

use crate::JpegError;

/// Markers, by their second byte.
pub mod marker {
    /// The frame of a baseline picture.
    pub const SOF0: u8 = 0xc0;
    /// Of an extended one.
    pub const SOF1: u8 = 0xc1;
    /// Of a progressive one.
    pub const SOF2: u8 = 0xc2;
    /// Tables of Huffman codes.
    pub const DHT: u8 = 0xc4;
    /// The first of eight that let the decoder start anew.
    pub const RST0: u8 = 0xd0;
    /// The last of them.
    pub const RST7: u8 = 0xd7;
    /// The beginning of a file.
    pub const SOI: u8 = 0xd8;
    /// The end of the picture.
    pub const EOI: u8 = 0xd9;
    /// A scan, whose codes follow.
    pub const SOS: u8 = 0xda;
    /// Tables of quantisation.
    pub const DQT: u8 = 0xdb;
    /// How often the decoder starts anew.
    pub const DRI: u8 = 0xdd;
    /// The first of sixteen for programs. JFIF has it.
    pub const APP0: u8 = 0xe0;
    /// EXIF has it.
    pub const APP1: u8 = 0xe1;
    /// Adobe's note about colours has it.
    pub const APP14: u8 = 0xee;
    /// The last of them.
    pub const APP15: u8 = 0xef;
    /// A comment.
    pub const COM: u8 = 0xfe;
}

/// The second byte of the next marker, which any number of 0xff may precede.
///
/// # Errors
/// When something else comes, or nothing.
pub fn take_marker(rest: &mut &[u8]) -> Result<u8, JpegError> {
    let filled = rest.strip_prefix(&[0xff]).ok_or(match rest {
        [] => JpegError::Truncated,
        _ => JpegError::Damaged("there is rubbish between its segments"),
    })?;
    let place = filled.iter().position(|&byte| byte != 0xff).ok_or(JpegError::Truncated)?;
    let (marker, after) =
        filled.get(place..).and_then(<[u8]>::split_first).ok_or(JpegError::Truncated)?;
    *rest = after;
    Ok(*marker)
}

/// The content of a segment whose marker was taken.
///
/// # Errors
/// When the file ends before the segment does.
pub fn take_content<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], JpegError> {
    let (length, after) = rest.split_first_chunk().ok_or(JpegError::Truncated)?;
    let length = usize::from(u16::from_be_bytes(*length)).checked_sub(2);
    let length = length.ok_or(JpegError::Damaged("a segment has no length"))?;
    let (content, after) = after.split_at_checked(length).ok_or(JpegError::Truncated)?;
    *rest = after;
    Ok(content)
}

/// The codes of a scan whose header was taken: all up to the next marker but those that let the
/// decoder start anew.
///
/// # Errors
/// When no such marker comes.
pub fn take_codes<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], JpegError> {
    let ends = |pair: &[u8]| match *pair {
        // Behind 0xff, a zero byte says that it was a code; another 0xff only fills up.
        [0xff, next] => next != 0 && next != 0xff && !(marker::RST0..=marker::RST7).contains(&next),
        _ => false,
    };
    let end = rest.windows(2).position(ends).ok_or(JpegError::Truncated)?;
    let (codes, after) = rest.split_at_checked(end).ok_or(JpegError::Truncated)?;
    *rest = after;
    Ok(codes)
}

/// Whether the channels are sampled as encoders do it, across and down: the first one, and black,
/// most finely; the colours once for 1, 2 or 4 samples of the first.
#[must_use]
pub fn is_usual_sampling(channels: &[[u8; 2]]) -> bool {
    let finest = |sampling: [u8; 2]| matches!(sampling, [1 | 2 | 4, 1 | 2] | [1, 4]);
    match *channels {
        [grey] => finest(grey),
        [first, [1, 1], [1, 1]] => finest(first),
        [first, [1, 1], [1, 1], black] => finest(first) && (black == first || black == [1, 1]),
        _ => false,
    }
}
