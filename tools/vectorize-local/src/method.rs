//! The methods of the binding, with the names that callers, errors and paths use for them.

use serde::{Deserialize, Serialize};

/// A method of the binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Method {
    /// Describes the index.
    Describe,
    /// Searches for the nearest vectors.
    Query,
    /// Stores vectors.
    Upsert,
    /// Reads vectors.
    GetByIds,
    /// Removes vectors.
    DeleteByIds,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Describe, Self::Query, Self::Upsert, Self::GetByIds, Self::DeleteByIds];

    /// The method of a request, by the last part of its path.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.path() == path)
    }

    /// The name that callers use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Describe => "describe",
            Self::Query => "query",
            Self::Upsert => "upsert",
            Self::GetByIds => "getByIds",
            Self::DeleteByIds => "deleteByIds",
        }
    }

    /// The last part of the path of its requests.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Describe => "info",
            other => other.name(),
        }
    }

    /// What its errors begin with, before `_ERROR`.
    #[must_use]
    pub fn operation(self) -> &'static str {
        match self {
            Self::Describe => "INDEX_GET",
            Self::Query => "VECTOR_QUERY",
            Self::Upsert => "VECTOR_UPSERT",
            Self::GetByIds => "VECTOR_GET",
            Self::DeleteByIds => "VECTOR_DELETE",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_known_by_path_and_by_name() {
        for method in Method::ALL {
            assert_eq!(Method::of_path(method.path()), Some(method));
            assert_eq!(serde_json::to_value(method).unwrap(), method.name());
        }
        for unknown in ["list", "insert", "describe", ""] {
            assert_eq!(Method::of_path(unknown), None, "{unknown}");
        }
    }
}
