//! Writes numbers of any count of bits, the least significant bit first, as VP8L has them.

/// Bits so far.
#[derive(Default)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    /// Appends the lowest `count` bits of a number.
    pub(super) fn push(&mut self, number: u32, count: u32) -> &mut Self {
        for position in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            // Bits beyond those of the number are zeros.
            let bit = (number.checked_shr(position).unwrap_or(0) & 1) as u8;
            if let Some(last) = self.bytes.last_mut() {
                *last |= bit << (self.used % 8);
            }
            self.used += 1;
        }
        self
    }

    /// Appends a prefix code, whose first bit is its most significant one.
    pub(super) fn push_code(&mut self, code: u32, count: u32) -> &mut Self {
        self.push(code.reverse_bits() >> (32 - count), count)
    }

    /// The bytes, the last one filled up with zeros.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}
