//! Memory that vectors are loaded from and stored to.

use std::ops::{Deref, DerefMut};

/// Numbers that begin at a multiple of a cache line, 64 bytes, so that no vector lies in two of
/// them. WebAssembly's allocator aligns to 8 bytes only, which costs up to 3 % of the time of an
/// embedding, depending on the address (Zen 5, V8 13.6, 2026-11).
#[derive(Debug)]
pub(super) struct Aligned {
    numbers: Box<[f32]>,
    start: usize,
    len: usize,
}

/// Floats in a cache line.
pub(super) const LINE: usize = 64 / size_of::<f32>();

impl Aligned {
    /// Bytes that `len` numbers take.
    #[cfg(test)]
    pub(super) const fn bytes(len: usize) -> usize {
        (len + LINE) * size_of::<f32>()
    }

    /// Zeros.
    pub(super) fn new(len: usize) -> Self {
        let numbers = vec![0.0; len + LINE].into_boxed_slice();
        let start = numbers.as_ptr().align_offset(LINE * size_of::<f32>());
        Self { numbers, start, len }
    }
}

impl Deref for Aligned {
    type Target = [f32];

    #[inline]
    fn deref(&self) -> &[f32] {
        &self.numbers[self.start..][..self.len]
    }
}

impl DerefMut for Aligned {
    #[inline]
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.numbers[self.start..][..self.len]
    }
}
