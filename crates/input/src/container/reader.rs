//! Reads the parts of a file from the front, and never past its end.

use super::ContainerError;

/// What has not been read yet.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

pub(super) const CUT_OFF: ContainerError = ContainerError::Damaged("it is cut off");

impl<'a> Reader<'a> {
    /// Whether all has been read.
    pub(super) const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The next bytes.
    pub(super) fn bytes(&mut self, length: usize) -> Result<&'a [u8], ContainerError> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(CUT_OFF)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// The next bytes as an array.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], ContainerError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(CUT_OFF)?;
        self.0 = rest;
        Ok(*bytes)
    }

    /// The next byte.
    pub(super) fn u8(&mut self) -> Result<u8, ContainerError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// The next two bytes, the more significant one first.
    pub(super) fn u16_be(&mut self) -> Result<u16, ContainerError> {
        self.array().map(u16::from_be_bytes)
    }

    /// The next four bytes, the most significant one first.
    pub(super) fn u32_be(&mut self) -> Result<u32, ContainerError> {
        self.array().map(u32::from_be_bytes)
    }

    /// The next two bytes, the less significant one first.
    pub(super) fn u16_le(&mut self) -> Result<u16, ContainerError> {
        self.array().map(u16::from_le_bytes)
    }

    /// The next four bytes, the least significant one first.
    pub(super) fn u32_le(&mut self) -> Result<u32, ContainerError> {
        self.array().map(u32::from_le_bytes)
    }
}
