//! The bits of a scan. A zero byte follows each 0xff that is data, and markers cut the data in
//! parts (ITU-T T.81, F.2.2.5).

/// Reads bits, the most significant one first. Behind the last there are zeros.
pub(crate) struct Bits<'a> {
    data: &'a [u8],
    place: Place,
}

/// How far bits have been read.
#[derive(Clone, Copy, Default)]
pub(crate) struct Place {
    /// The next byte that is not in `buffer`.
    position: usize,
    /// Bits that were read ahead, from the highest down.
    buffer: u64,
    /// How many of them.
    count: u32,
    /// How many of these, the last ones, are zeros behind the file's data.
    beyond: u32,
}

/// Whether one of four bytes is 0xff.
const fn has_ff(word: u32) -> bool {
    // An inverted byte is 0 when subtracting 1 borrows from its highest bit.
    let inverted = !word;
    inverted.wrapping_sub(0x0101_0101) & word & 0x8080_8080 != 0
}

impl<'a> Bits<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self { data, place: Place::default() }
    }

    /// How far they have been read.
    pub(crate) const fn place(&self) -> Place {
        self.place
    }

    /// Goes to where they had been read to.
    pub(crate) const fn go_to(&mut self, place: Place) {
        self.place = place;
    }

    /// Makes at least 32 bits ready.
    #[inline]
    pub(crate) fn fill(&mut self) {
        if self.place.count >= 32 {
            return;
        }
        let next = self.data.get(self.place.position..).and_then(|rest| rest.first_chunk::<4>());
        if let Some(next) = next {
            let word = u32::from_be_bytes(*next);
            if !has_ff(word) {
                self.place.buffer |= u64::from(word) << (32 - self.place.count);
                self.place.count += 32;
                self.place.position += 4;
                return;
            }
        }
        self.fill_by_bytes();
    }

    #[cold]
    fn fill_by_bytes(&mut self) {
        while self.place.count <= 56 {
            let byte = match self.data.get(self.place.position..).unwrap_or_default() {
                [0xff, 0, ..] => {
                    self.place.position += 2;
                    0xff
                }
                [0xff, ..] | [] => {
                    self.place.beyond += 8;
                    0
                }
                [byte, ..] => {
                    self.place.position += 1;
                    *byte
                }
            };
            self.place.buffer |= u64::from(byte) << (56 - self.place.count);
            self.place.count += 8;
        }
    }

    /// The next `count` bits, 1 to 16, which must be ready.
    #[inline]
    pub(crate) const fn peek(&self, count: u32) -> u32 {
        (self.place.buffer >> (64 - count)) as u32
    }

    /// Passes over bits that are ready.
    #[inline]
    pub(crate) const fn skip(&mut self, count: u32) {
        self.place.buffer <<= count;
        // A caller that forgets to fill may skip more than are ready, and then gets zeros.
        self.place.count = self.place.count.saturating_sub(count);
    }

    /// Whether more bits were read than there are.
    pub(crate) const fn is_beyond(&self) -> bool {
        self.place.beyond > self.place.count
    }

    /// Goes behind the next marker, which must be this one.
    pub(crate) fn restart(&mut self, marker: u8) -> bool {
        let rest = self.data.get(self.place.position..).unwrap_or_default();
        let is_marker = |pair: &[u8]| matches!(*pair, [0xff, next] if next != 0 && next != 0xff);
        let Some(before) = rest.windows(2).position(is_marker) else { return false };
        let found = rest.get(before + 1) == Some(&marker);
        self.place = Place { position: self.place.position + before + 2, ..Place::default() };
        found
    }
}
