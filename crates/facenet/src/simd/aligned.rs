//! Memory for vectors.

use std::ops::{Deref, DerefMut};

/// Numbers that begin at a multiple of a cache line, 64 bytes, so that no vector lies in two of
/// them. An allocator gives WebAssembly multiples of 8, and which of them would be luck: up to
/// 3 % of the time of an embedding.
#[derive(Debug)]
pub(super) struct Aligned {
    numbers: Box<[f32]>,
    start: usize,
    len: usize,
}

/// Floats in a cache line.
pub(super) const LINE: usize = 64 / size_of::<f32>();

impl Aligned {
    /// As many bytes as it takes for `len` numbers.
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
