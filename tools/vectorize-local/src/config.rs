//! How the index is set up: what `wrangler vectorize create` and `create-metadata-index` decide
//! for a real one.

use crate::{limits, metric::Metric};

/// The configuration of an index.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Numbers per vector.
    pub dimensions: usize,
    /// How vectors are compared.
    pub metric: Metric,
    /// What metadata can be filtered by.
    pub metadata_indexes: Vec<MetadataIndex>,
}

/// A property of metadata that can be filtered by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataIndex {
    /// Its name, with a dot where it lies in another object.
    pub property: String,
    /// Values of other types are not indexed.
    pub kind: Kind,
}

/// The type of values in a metadata index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text, of which the first 64 bytes count.
    String,
    /// Float64.
    Number,
    /// `true` or `false`.
    Boolean,
}

impl Config {
    /// An index without metadata indexes.
    #[must_use]
    pub fn new(dimensions: usize, metric: Metric) -> Self {
        Self { dimensions, metric, metadata_indexes: vec![] }
    }

    /// From the variables of a Worker: `metadata_indexes` is a list such as
    /// `city:string, address.number:number`, and may be empty.
    ///
    /// # Errors
    /// Says which variable is wrong, and what it has to be.
    pub fn read(dimensions: &str, metric: &str, metadata_indexes: &str) -> Result<Self, String> {
        let (max, max_indexes) = (limits::DIMENSIONS_MAX, limits::METADATA_INDEXES_MAX);
        let dimensions = dimensions.parse().ok().filter(|n| (1..=max).contains(n));
        let dimensions =
            dimensions.ok_or_else(|| format!("DIMENSIONS must be a number from 1 to {max}"))?;
        let metric = Metric::from_name(metric)
            .ok_or("METRIC must be euclidean, cosine or dot-product".to_owned())?;
        let entries = metadata_indexes.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let metadata_indexes: Option<Vec<MetadataIndex>> =
            entries.map(MetadataIndex::read).collect();
        let metadata_indexes =
            metadata_indexes.filter(|indexes| indexes.len() <= max_indexes).ok_or_else(|| {
                format!(
                    "METADATA_INDEXES must be at most {max_indexes} entries such as \
                     `city:string, size:number, sold:boolean`"
                )
            })?;
        Ok(Self { dimensions, metric, metadata_indexes })
    }
}

impl MetadataIndex {
    fn read(entry: &str) -> Option<Self> {
        let (property, kind) = entry.rsplit_once(':')?;
        let kind = match kind.trim() {
            "string" => Kind::String,
            "number" => Kind::Number,
            "boolean" => Kind::Boolean,
            _ => return None,
        };
        let property = property.trim().to_owned();
        (!property.is_empty()).then_some(Self { property, kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_read() {
        let config = Config::read("32", "cosine", "city:string , a.b:number,").unwrap();
        let index = |property: &str, kind| MetadataIndex { property: property.into(), kind };
        let metadata_indexes = vec![index("city", Kind::String), index("a.b", Kind::Number)];
        assert_eq!(config, Config { dimensions: 32, metric: Metric::Cosine, metadata_indexes });
        assert_eq!(Config::read("1536", "euclidean", "").unwrap().metadata_indexes, []);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let eleven = "a:string,".repeat(11);
        for (dimensions, metric, indexes, name) in [
            ("0", "cosine", "", "DIMENSIONS"),
            ("1537", "cosine", "", "DIMENSIONS"),
            ("many", "cosine", "", "DIMENSIONS"),
            ("3", "l2", "", "METRIC"),
            ("3", "cosine", "city", "METADATA_INDEXES"),
            ("3", "cosine", "city:text", "METADATA_INDEXES"),
            ("3", "cosine", ":string", "METADATA_INDEXES"),
            ("3", "cosine", eleven.as_str(), "METADATA_INDEXES"),
        ] {
            let error = Config::read(dimensions, metric, indexes).unwrap_err();
            assert!(error.starts_with(name), "{error}");
        }
    }
}
