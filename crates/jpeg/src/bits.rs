//! The bits of a scan, whose bytes are stuffed and cut by markers (ITU-T T.81, F.2.2.5).

/// Reads bits, the most significant one first. Behind the last there are zeros.
#[derive(Clone)]
pub(crate) struct Bits<'a> {
    data: &'a [u8],
    /// The next byte that is not in `buffer`.
    position: usize,
    /// Bits that were read ahead, from the highest down.
    buffer: u64,
    /// How many of them.
    count: u32,
    /// How many of them, the last ones, no file has.
    beyond: u32,
}

/// Whether one of four bytes is 0xff.
const fn has_ff(word: u32) -> bool {
    // An inverted byte is 0 when subtracting 1 borrows from its highest bit.
    let inverted = !word;
    inverted.wrapping_sub(0x0101_0101) & word & 0x8080_8080 != 0
}

impl<'a> Bits<'a> {
    pub(crate) const fn new(data: &'a [u8]) -> Self {
        Self { data, position: 0, buffer: 0, count: 0, beyond: 0 }
    }

    /// Makes at least 32 bits ready.
    #[inline]
    pub(crate) fn fill(&mut self) {
        if self.count >= 32 {
            return;
        }
        let next = self.data.get(self.position..).and_then(|rest| rest.first_chunk::<4>());
        if let Some(next) = next {
            let word = u32::from_be_bytes(*next);
            if !has_ff(word) {
                self.buffer |= u64::from(word) << (32 - self.count);
                self.count += 32;
                self.position += 4;
                return;
            }
        }
        self.fill_by_bytes();
    }

    #[cold]
    fn fill_by_bytes(&mut self) {
        while self.count <= 56 {
            let byte = match self.data.get(self.position..).unwrap_or_default() {
                [0xff, 0, ..] => {
                    self.position += 2;
                    0xff
                }
                [0xff, ..] | [] => {
                    self.beyond += 8;
                    0
                }
                [byte, ..] => {
                    self.position += 1;
                    *byte
                }
            };
            self.buffer |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// The next `count` bits, 1 to 16, which must be ready.
    #[inline]
    pub(crate) const fn peek(&self, count: u32) -> u32 {
        (self.buffer >> (64 - count)) as u32
    }

    /// Passes over bits that are ready.
    #[inline]
    pub(crate) const fn skip(&mut self, count: u32) {
        self.buffer <<= count;
        // More than there are only when a caller forgets to fill: zeros follow then.
        self.count = self.count.saturating_sub(count);
    }

    /// Whether more was read than there is.
    pub(crate) const fn is_beyond(&self) -> bool {
        self.beyond > self.count
    }

    /// Goes behind the next marker, which must be this one.
    pub(crate) fn restart(&mut self, marker: u8) -> bool {
        let rest = self.data.get(self.position..).unwrap_or_default();
        let is_marker = |pair: &[u8]| matches!(*pair, [0xff, next] if next != 0 && next != 0xff);
        let Some(place) = rest.windows(2).position(is_marker) else { return false };
        let found = rest.get(place + 1) == Some(&marker);
        *self = Self::new(rest.get(place + 2..).unwrap_or_default());
        found
    }
}
