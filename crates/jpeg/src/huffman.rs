//! Huffman codes (ITU-T T.81, annex C), read with a table of their first bits.

use crate::JpegError;
use crate::bits::Bits;
use crate::idct::COEFFICIENTS;

/// Codes of up to so many bits are looked up in a table. Only a few codes of a hundred are longer.
const FAST_BITS: u32 = 10;

/// Longest code in bits.
const LENGTH_MAX: u32 = 16;

const UNKNOWN: JpegError = JpegError::Damaged("it has a code that is in no table");

/// A table as a file has it.
#[derive(Clone)]
pub(crate) struct Codes {
    /// How many codes there are of each length, from 1 on.
    counts: [u8; LENGTH_MAX as usize],
    /// What they stand for, the shortest first.
    symbols: Vec<u8>,
}

impl Codes {
    /// Reads a table from the front of a segment.
    pub(crate) fn read(segment: &mut &[u8]) -> Result<Self, JpegError> {
        const WRONG: JpegError = JpegError::Damaged("a table of codes is wrong");
        let (counts, rest) = segment.split_first_chunk().ok_or(WRONG)?;
        let total = counts.iter().map(|&count| usize::from(count)).sum();
        let (symbols, rest) = rest.split_at_checked(total).ok_or(WRONG)?;
        // Each code is one more than the one before it. A code of ones only is not allowed, but
        // some encoders write it.
        let mut end = 0_u32;
        for (length, &count) in (1..).zip(counts) {
            end = (end << 1) + u32::from(count);
            if end > 1 << length {
                return Err(WRONG);
            }
        }
        *segment = rest;
        Ok(Self { counts: *counts, symbols: symbols.to_vec() })
    }
}

/// What a code says of a coefficient, in one number.
#[derive(Clone, Copy, Default)]
pub(crate) struct Entry(u32);

impl Entry {
    /// `code_bits` is 0 when the table already knows the number behind the code: `value`.
    const fn new(total_bits: u32, code_bits: u32, run: u32, value: i32) -> Self {
        Self(total_bits | code_bits << 5 | run << 10 | (value as u32) << 16)
    }

    /// Bits of the code and of the number behind it; 0 in a table means a longer code.
    #[inline]
    pub(crate) const fn total_bits(self) -> u32 {
        self.0 & 31
    }

    /// How many coefficients are zero before this one; [`END`] when all are.
    #[inline]
    pub(crate) const fn run(self) -> usize {
        (self.0 >> 10 & 63) as usize
    }

    /// Takes the code and its number.
    #[inline]
    pub(crate) const fn take(self, bits: &mut Bits) -> i32 {
        let code_bits = self.0 >> 5 & 31;
        if code_bits == 0 {
            bits.skip(self.total_bits());
            return self.0 as i32 >> 16;
        }
        bits.skip(code_bits);
        let size = self.total_bits() - code_bits;
        let number = signed(bits.peek(size), size);
        bits.skip(size);
        number
    }
}

/// A run that leads out of every block: of its 64 coefficients, the first is never part of a run.
const END: u32 = 63;

/// What a coefficient's symbol says: how many zeros come before it, and how many bits its number
/// has.
const fn run_and_size(symbol: u8) -> (u32, u32) {
    match (symbol >> 4, symbol & 15) {
        // Sixteen zeros: fifteen, and a coefficient that is zero too.
        (15, 0) => (15, 0),
        (_, 0) => (END, 0),
        (run, size) => (run as u32, size as u32),
    }
}

/// The number that `size` bits stand for: the lower half of them are negative (F.2.2.1).
#[inline]
const fn signed(bits: u32, size: u32) -> i32 {
    let bits = bits as i32;
    if bits < 1 << (size - 1) { bits + 1 - (1 << size) } else { bits }
}

/// A table to decode with.
pub(crate) struct Table {
    fast: Box<[Entry; 1 << FAST_BITS]>,
    /// For each longer length: the first 16 bits that begin with no code of this length or a
    /// shorter one, and what to add to a code to get the index of its symbol.
    long: [(u32, i32); (LENGTH_MAX - FAST_BITS) as usize],
    symbols: Vec<u8>,
}

impl Table {
    pub(crate) fn new(codes: &Codes) -> Self {
        let mut table = Self {
            fast: Box::new([Entry::default(); 1 << FAST_BITS]),
            long: [(0, 0); (LENGTH_MAX - FAST_BITS) as usize],
            symbols: codes.symbols.clone(),
        };
        let (mut next, mut index) = (0_u32, 0_usize);
        for (length, &count) in (1..).zip(&codes.counts) {
            next <<= 1;
            if length <= FAST_BITS {
                let symbols = codes.symbols.iter().skip(index).take(count.into());
                for (code, &symbol) in (next..).zip(symbols) {
                    table.insert(code, length, symbol);
                }
            } else if let Some(long) = table.long.get_mut((length - FAST_BITS - 1) as usize) {
                let limit = (next + u32::from(count)) << (LENGTH_MAX - length);
                *long = (limit, index as i32 - next as i32);
            }
            next += u32::from(count);
            index += usize::from(count);
        }
        table
    }

    /// Fills in all that begins with a short code.
    fn insert(&mut self, code: u32, length: u32, symbol: u8) {
        let (run, size) = run_and_size(symbol);
        let rest = FAST_BITS - length;
        let first = (code << rest) as usize;
        let Some(entries) = self.fast.get_mut(first..first + (1 << rest)) else { return };
        for (following, entry) in (0_u32..).zip(entries) {
            *entry = if size == 0 {
                Entry::new(length, 0, run, 0)
            } else if size <= rest {
                let number = signed(following >> (rest - size), size);
                Entry::new(length + size, 0, run, number)
            } else {
                Entry::new(length + size, length, run, 0)
            };
        }
    }

    /// What the next code says. The code is not taken. The bits must have been filled.
    #[inline]
    pub(crate) fn entry(&self, bits: &Bits) -> Result<Entry, JpegError> {
        let entry = self.fast[bits.peek(FAST_BITS) as usize];
        if entry.total_bits() > 0 { Ok(entry) } else { self.long_entry(bits.peek(LENGTH_MAX)) }
    }

    /// Passes over all coefficients of a block but the mean.
    #[inline]
    pub(crate) fn pass_over(&self, bits: &mut Bits) -> Result<(), JpegError> {
        let mut next = 1;
        while next < COEFFICIENTS {
            bits.fill();
            let entry = self.entry(bits)?;
            bits.skip(entry.total_bits());
            next += entry.run() + 1;
        }
        Ok(())
    }

    #[cold]
    fn long_entry(&self, bits: u32) -> Result<Entry, JpegError> {
        for (length, &(limit, offset)) in (FAST_BITS + 1..).zip(&self.long) {
            if bits < limit {
                let index = (bits >> (LENGTH_MAX - length)) as i32 + offset;
                let symbol = usize::try_from(index).ok().and_then(|index| self.symbols.get(index));
                let (run, size) = run_and_size(*symbol.ok_or(UNKNOWN)?);
                let code_bits = if size == 0 { 0 } else { length };
                return Ok(Entry::new(length + size, code_bits, run, 0));
            }
        }
        Err(UNKNOWN)
    }
}
