//! The parts of a file that are kept.

use std::ops::Range;

use super::reader::Reader;

/// Parts of a file, one after the other.
#[derive(Default)]
pub(super) struct Kept(Vec<Range<usize>>);

impl Kept {
    /// Keeps the last `length` bytes that a reader of `file` has read.
    pub(super) fn push(&mut self, file: &[u8], reader: &Reader, length: usize) {
        let end = file.len() - reader.0.len();
        let begin = end.saturating_sub(length);
        match self.0.last_mut() {
            Some(last) if last.end == begin => last.end = end,
            _ => self.0.push(begin..end),
        }
    }

    /// The file with these parts alone.
    pub(super) fn of(self, mut file: Vec<u8>) -> Vec<u8> {
        let mut length = 0;
        for part in self.0 {
            let part_length = part.len();
            // Parts lie in the file, and each moves towards its front.
            file.copy_within(part, length);
            length += part_length;
        }
        file.truncate(length);
        file
    }
}
