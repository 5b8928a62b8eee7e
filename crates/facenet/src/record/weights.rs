//! The names of weights. Two records that were made together have one digest, and what is stored
//! under it never changes.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::RecordError;
use crate::{PIPELINE, Shard};

/// Tells which two records belong together: SHA-256 over both, in the order of [`Shard::ALL`]. Of
/// each it takes the [entries](super::Header::entries) as lines `key=value`, then the data section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Key of the entry in a burnpack's metadata. Both records of a pair have the same value.
    pub const ENTRY: &str = "cface.digest";

    /// The digest that a burnpack's metadata names.
    ///
    /// # Errors
    /// When the entry is missing or not a digest.
    pub fn announced(metadata: &BTreeMap<String, String>) -> Result<Self, RecordError> {
        let text = metadata.get(Self::ENTRY).ok_or(RecordError::MissingEntry(Self::ENTRY))?;
        text.parse().map_err(|_| RecordError::Unreadable(format!("`{}` is no digest", Self::ENTRY)))
    }

    /// Compares with the digest that was wanted.
    ///
    /// # Errors
    /// When they differ.
    pub fn check(self, expected: Self) -> Result<(), RecordError> {
        if self == expected {
            return Ok(());
        }
        Err(RecordError::Foreign {
            entry: Self::ENTRY,
            expected: expected.to_string(),
            actual: self.to_string(),
        })
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// A text that is not a name of weights, or not a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("weights are named as MODEL/PIPELINE/DIGEST, with 64 lower-case hexadecimal digits")]
pub struct NameError;

impl FromStr for Digest {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut bytes = [0; 32];
        let (digits, []) = text.as_bytes().as_chunks::<2>() else { return Err(NameError) };
        if digits.len() != bytes.len() {
            return Err(NameError);
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(digits) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Self(bytes))
    }
}

/// The value of a hexadecimal digit. There is one way to write a digest.
fn digit(character: u8) -> Result<u8, NameError> {
    match character {
        b'0'..=b'9' => Ok(character - b'0'),
        b'a'..=b'f' => Ok(character - b'a' + 10),
        _ => Err(NameError),
    }
}

/// The weights of a model: a pair of records. As a text, `MODEL/PIPELINE/DIGEST`, it is what the
/// keys of both begin with where they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    model: String,
    pipeline: String,
    digest: Digest,
}

impl Weights {
    /// The weights of a model for the present [`PIPELINE`].
    #[must_use]
    pub fn new(model: &str, digest: Digest) -> Self {
        Self { model: model.into(), pipeline: PIPELINE.into(), digest }
    }

    /// The checkpoint, for example `casia-webface`.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The pipeline that they were made for.
    #[must_use]
    pub fn pipeline(&self) -> &str {
        &self.pipeline
    }

    /// The digest that both records name.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The key under which the record of a shard is stored.
    #[must_use]
    pub fn key(&self, shard: Shard) -> String {
        format!("{self}/{}", shard.file())
    }
}

impl fmt::Display for Weights {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, pipeline, digest } = self;
        write!(formatter, "{model}/{pipeline}/{digest}")
    }
}

impl FromStr for Weights {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut parts = text.split('/');
        let mut part = || parts.next().filter(|part| is_word(part)).ok_or(NameError);
        let (model, pipeline, digest) = (part()?.into(), part()?.into(), part()?.parse()?);
        if parts.next().is_some() {
            return Err(NameError);
        }
        Ok(Self { model, pipeline, digest })
    }
}

/// Whether a text can be part of a key: it does not lead to a folder above, and nothing in it has
/// to be escaped.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(byte: u8) -> Digest {
        Digest::from([byte; 32])
    }

    #[test]
    fn names_are_read_back() {
        let weights = Weights::new("casia-webface", digest(0xa7));
        let text = weights.to_string();
        assert_eq!(text, format!("casia-webface/{PIPELINE}/{}", "a7".repeat(32)));
        assert_eq!(text.parse(), Ok(weights.clone()));
        assert_eq!(weights.key(Shard::Shard2), format!("{text}/shard2.bin"));
    }

    #[test]
    fn other_texts_are_no_names() {
        let hex = "a7".repeat(32);
        let upper = hex.to_uppercase();
        for text in [
            String::new(),
            hex.clone(),
            format!("casia-webface/{hex}"),
            format!("casia-webface/1/{upper}"),
            format!("casia-webface/1/{hex}/"),
            format!("/casia-webface/1/{hex}"),
            format!("../1/{hex}"),
            format!("casia webface/1/{hex}"),
            format!("casia-webface//{hex}"),
            format!("casia-webface/1/{}", &hex[1..]),
            format!("casia-webface/1/{hex}a7"),
            format!("casia-webface/1/{}é", &hex[2..]),
        ] {
            assert_eq!(text.parse::<Weights>(), Err(NameError), "{text}");
        }
    }

    #[test]
    fn a_digest_is_in_the_metadata_and_fits_itself_alone() {
        let entry = |text: &str| BTreeMap::from([(Digest::ENTRY.to_owned(), text.to_owned())]);
        let metadata = entry(&digest(7).to_string());
        assert_eq!(Digest::announced(&metadata), Ok(digest(7)));
        assert_eq!(digest(7).check(digest(7)), Ok(()));
        let Err(RecordError::Foreign { entry: name, .. }) = digest(7).check(digest(8)) else {
            panic!("another digest fits")
        };
        assert_eq!(name, Digest::ENTRY);
        let missing = Digest::announced(&BTreeMap::new());
        assert_eq!(missing, Err(RecordError::MissingEntry(Digest::ENTRY)));
        assert!(matches!(Digest::announced(&entry("7")), Err(RecordError::Unreadable(_))));
    }
}
