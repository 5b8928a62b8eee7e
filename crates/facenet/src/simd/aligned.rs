//! Memory that vectors are loaded from and stored to.

use std::ops::{Deref, DerefMut};

/// Numbers that begin at a multiple of a cache line, 64 bytes, so that no vector lies in two lines.
/// WebAssembly's allocator aligns to 8 bytes only. That costs up to 3 % of the time of an
/// embedding, depending on the address (Zen 5, V8 13.6, 2026-11).
#[derive(Debug)]
pub(super) struct Aligned<T = f32> {
    numbers: Box<[T]>,
    start: usize,
    len: usize,
}

/// Bytes in a cache line.
const LINE_BYTES: usize = 64;

/// Floats in a cache line.
pub(super) const LINE: usize = LINE_BYTES / size_of::<f32>();

impl<T: Copy + Default> Aligned<T> {
    /// Bytes that `len` numbers take.
    #[cfg(test)]
    pub(super) const fn bytes(len: usize) -> usize {
        len * size_of::<T>() + LINE_BYTES
    }

    /// Zeros.
    pub(super) fn new(len: usize) -> Self {
        let line = LINE_BYTES / size_of::<T>();
        let numbers = vec![T::default(); len + line].into_boxed_slice();
        let start = numbers.as_ptr().align_offset(LINE_BYTES);
        Self { numbers, start, len }
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        &self.numbers[self.start..][..self.len]
    }
}

impl<T> DerefMut for Aligned<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.numbers[self.start..][..self.len]
    }
}
