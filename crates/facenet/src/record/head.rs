//! What comes before a record's tensors: ten bytes, and metadata in CBOR that says whose weights
//! these are and where each tensor lies.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{ALIGNMENT, Digest, HEADER_BYTES, Header, RecordError, Weights};
use crate::Shard;

/// Magic number and version of a burnpack, little-endian.
const MAGIC: [u8; 6] = [0x4e, 0x52, 0x55, 0x42, 0x01, 0x00];

/// The most bytes of metadata that are accepted. The real records have 6 and 15 kB.
pub const METADATA_BYTES_MAX: usize = 64 << 10;

/// How deep CBOR may be nested in the metadata. The real records have three levels.
const METADATA_DEPTH_MAX: usize = 8;

/// The most bytes that a head has.
pub const BYTES_MAX: usize = (HEADER_BYTES + METADATA_BYTES_MAX).next_multiple_of(ALIGNMENT);

/// The metadata of a record.
#[derive(Deserialize)]
pub(crate) struct Head {
    /// The tensors by their names.
    #[cfg_attr(not(feature = "simd"), expect(dead_code, reason = "our own engine reads them"))]
    pub(crate) tensors: BTreeMap<String, Tensor>,
    /// The entries of [`Header`], and those of the checksum and the digest.
    pub(crate) metadata: BTreeMap<String, String>,
}

/// Where a tensor lies, and how.
#[derive(Deserialize, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) dtype: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) data_offsets: (usize, usize),
}

impl Head {
    /// Reads a head, which `bytes` begin with. The zeros after it are checked as far as they are
    /// there.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, RecordError> {
        let unreadable = |text: &str| RecordError::Unreadable(text.into());
        let end = HEADER_BYTES + metadata_bytes(bytes)?;
        let metadata = bytes.get(HEADER_BYTES..end);
        let mut metadata = metadata.ok_or_else(|| unreadable("the metadata is cut off"))?;
        let data = end.next_multiple_of(ALIGNMENT).min(bytes.len());
        if bytes[end..data].iter().any(|&byte| byte != 0) {
            return Err(unreadable("bytes between metadata and data"));
        }
        let head =
            ciborium::de::from_reader_with_recursion_limit(&mut metadata, METADATA_DEPTH_MAX)
                .map_err(|error| RecordError::Unreadable(error.to_string()))?;
        if !metadata.is_empty() {
            return Err(unreadable("bytes after the metadata"));
        }
        Ok(head)
    }
}

/// Length of the metadata in bytes, which the first bytes tell.
pub(crate) fn metadata_bytes(head: &[u8]) -> Result<usize, RecordError> {
    let unreadable = |text: &str| RecordError::Unreadable(text.into());
    let (magic, length) = head.split_at_checked(MAGIC.len()).unwrap_or((head, &[]));
    if magic != MAGIC {
        return Err(unreadable("it does not begin as one"));
    }
    let length = length.first_chunk().ok_or_else(|| unreadable("the header is cut off"))?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > METADATA_BYTES_MAX {
        return Err(unreadable("too much metadata"));
    }
    Ok(length)
}

/// How many bytes come before the data section, as far as that is known from the first of them.
#[cfg(feature = "simd")]
pub(crate) fn length(head: &[u8]) -> Result<usize, RecordError> {
    if head.len() < HEADER_BYTES {
        return Ok(HEADER_BYTES);
    }
    Ok((HEADER_BYTES + metadata_bytes(head)?).next_multiple_of(ALIGNMENT))
}

/// The weights that two records of `model` make, in the order of [`Shard::ALL`]. The first
/// [`BYTES_MAX`] bytes of each are enough.
///
/// # Errors
/// When one is not the record of its shard, of this model and the present pipeline, and when they
/// were not made together.
pub fn weights(model: &str, records: [&[u8]; 2]) -> Result<Weights, RecordError> {
    let [first, second] = records;
    let digest = digest(model, Shard::Shard1, first)?;
    self::digest(model, Shard::Shard2, second)?.check(digest)?;
    Ok(Weights::new(model, digest))
}

fn digest(model: &str, shard: Shard, record: &[u8]) -> Result<Digest, RecordError> {
    let Head { metadata, .. } = Head::read(record)?;
    Header::new(model, shard).check(&metadata)?;
    Digest::announced(&metadata)
}
