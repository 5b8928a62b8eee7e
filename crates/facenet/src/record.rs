//! The record that holds one shard's weights: a Burn record (burnpack) of 16-bit floats. Its header
//! names model, pipeline, packing and shard, and the digest that it has in common with the other
//! shard's record. Loaders check the header first. They refuse a record that does not fit, with a
//! sentence that names the difference.

#[cfg(feature = "record-head")]
pub mod head;
mod weights;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::Shard;
use crate::layers::Layer;

pub use weights::{Digest, NameError, Weights};

/// How the tensors of a record are stored: float16, convolutions as `[out, in, height, width]`
/// with batch norm folded in, the last matrix as `[in, out]`, in the order of
/// [`Shard::layers`].
pub const PACKING: &str = "f16-oihw";

/// The same in float32, for comparison: only the Burn engine takes such a record.
pub const PACKING_F32: &str = "f32-oihw";

/// Bytes before a record's metadata: the magic number, the version and the metadata's length.
pub const HEADER_BYTES: usize = 10;

/// The data section and each tensor in it begin on a multiple of this.
pub const ALIGNMENT: usize = 256;

/// Bytes of a shard's record in [`PACKING`], with so many bytes of metadata.
#[must_use]
pub fn length(shard: Shard, metadata_bytes: usize) -> usize {
    let data = places(&shard.layers()).last().map_or(0, |(_, _, place)| place.end);
    (HEADER_BYTES + metadata_bytes).next_multiple_of(ALIGNMENT) + data
}

/// Names, shapes and places of a record's tensors in the data section.
pub(crate) fn places(layers: &[Layer]) -> impl Iterator<Item = (String, Vec<usize>, Range<usize>)> {
    let mut end = 0;
    layers.iter().flat_map(Layer::tensors).map(move |(name, shape)| {
        let start = usize::next_multiple_of(end, ALIGNMENT);
        end = start + 2 * shape.iter().product::<usize>();
        (name, shape, start..end)
    })
}

/// What the header of a record says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The checkpoint, for example `casia-webface`.
    pub model: String,
    /// The pipeline that the record was made for, [`PIPELINE`](crate::PIPELINE).
    pub pipeline: String,
    /// How the tensors are stored, [`PACKING`].
    pub packing: String,
    /// [`Shard::name`].
    pub shard: String,
}

/// Why a record cannot be loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Too few bytes, or too many.
    #[error("the record has {actual} bytes where {expected} were announced")]
    Length {
        /// Bytes announced.
        expected: usize,
        /// Bytes that came.
        actual: usize,
    },
    /// Not a Burn record, or a damaged one.
    #[error("not a readable Burn record: {0}")]
    Unreadable(String),
    /// The header lacks an entry.
    #[error("the record's header has no `{0}`")]
    MissingEntry(&'static str),
    /// An entry of the header differs from what is wanted.
    #[error("the record's `{entry}` is `{actual}`, not `{expected}`")]
    Foreign {
        /// Key of the entry.
        entry: &'static str,
        /// What was wanted.
        expected: String,
        /// What the record says.
        actual: String,
    },
    /// A tensor is missing, unknown, or has another shape or type.
    #[error("the record's tensors do not fit: {0}")]
    Tensors(String),
    /// The checksum of the tensors is not that of the header.
    #[error("the record's data is damaged: its checksum is another")]
    Damaged,
}

const MODEL: &str = "cface.model";
const PIPELINE: &str = "cface.pipeline";
const PACKING_ENTRY: &str = "cface.packing";
const SHARD: &str = "cface.shard";

impl Header {
    /// The header of a record that this library can load.
    #[must_use]
    pub fn new(model: &str, shard: Shard) -> Self {
        Self {
            model: model.into(),
            pipeline: crate::PIPELINE.into(),
            packing: PACKING.into(),
            shard: shard.name().into(),
        }
    }

    /// The same with another packing.
    #[must_use]
    pub fn with_packing(self, packing: &str) -> Self {
        Self { packing: packing.into(), ..self }
    }

    /// Whether a burnpack's metadata names this packing.
    #[must_use]
    pub fn is_packed(metadata: &BTreeMap<String, String>, packing: &str) -> bool {
        metadata.get(PACKING_ENTRY).is_some_and(|found| found == packing)
    }

    /// The entries to write into a burnpack's metadata.
    #[must_use]
    pub fn entries(&self) -> [(&'static str, &str); 4] {
        [
            (MODEL, &self.model),
            (PIPELINE, &self.pipeline),
            (PACKING_ENTRY, &self.packing),
            (SHARD, &self.shard),
        ]
    }

    /// Checks a burnpack's metadata against this header.
    ///
    /// # Errors
    /// When an entry is missing or differs.
    pub fn check(&self, metadata: &BTreeMap<String, String>) -> Result<(), RecordError> {
        for (entry, expected) in self.entries() {
            let actual = metadata.get(entry).ok_or(RecordError::MissingEntry(entry))?;
            if actual != expected {
                return Err(RecordError::Foreign {
                    entry,
                    expected: expected.into(),
                    actual: actual.clone(),
                });
            }
        }
        Ok(())
    }
}

/// CRC-32 of a record's data section: everything from the first tensor on, with the zeros between
/// tensors. The format itself has no checksum, and without one a flipped bit in a weight would not
/// be noticed.
#[derive(Clone, Debug, Default)]
pub struct Checksum(crc32fast::Hasher);

impl Checksum {
    /// Key of the entry in a burnpack's metadata.
    pub const ENTRY: &str = "cface.crc32";

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The value of the entry.
    #[must_use]
    pub fn entry(&self) -> String {
        format!("{:08x}", self.value())
    }

    /// The value of the checksum in a burnpack's metadata.
    ///
    /// # Errors
    /// When the entry is missing or not a checksum.
    pub fn announced(metadata: &BTreeMap<String, String>) -> Result<u32, RecordError> {
        let text = metadata.get(Self::ENTRY).ok_or(RecordError::MissingEntry(Self::ENTRY))?;
        u32::from_str_radix(text, 16)
            .map_err(|_| RecordError::Unreadable(format!("`{}` is no checksum", Self::ENTRY)))
    }

    /// Compares with the value in the metadata.
    ///
    /// # Errors
    /// When they differ.
    pub fn check(&self, announced: u32) -> Result<(), RecordError> {
        if self.value() == announced { Ok(()) } else { Err(RecordError::Damaged) }
    }

    fn value(&self) -> u32 {
        self.0.clone().finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_fits_itself_and_nothing_else() {
        let header = Header::new("casia-webface", Shard::Shard1);
        let metadata: BTreeMap<_, _> =
            header.entries().iter().map(|(k, v)| ((*k).into(), (*v).to_owned())).collect();
        assert_eq!(header.check(&metadata), Ok(()));
        let other = Header::new("casia-webface", Shard::Shard2);
        assert!(matches!(other.check(&metadata), Err(RecordError::Foreign { entry: SHARD, .. })));
        for (entry, _) in header.entries() {
            let mut less = metadata.clone();
            less.remove(entry);
            assert_eq!(header.check(&less), Err(RecordError::MissingEntry(entry)));
        }
    }
}
