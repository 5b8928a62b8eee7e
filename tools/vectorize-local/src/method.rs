//! The methods of the binding, with the names that callers, errors and paths use for them.

use serde::{Deserialize, Serialize, de::IgnoredAny};

/// A method of the binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Method {
    /// Describes the index.
    Describe,
    /// Searches by a vector that is given.
    Query,
    /// Searches by a vector that is stored.
    QueryById,
    /// Stores vectors whose ids are new.
    Insert,
    /// Stores vectors.
    Upsert,
    /// Reads vectors.
    GetByIds,
    /// Removes vectors.
    DeleteByIds,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Describe,
        Self::Query,
        Self::QueryById,
        Self::Insert,
        Self::Upsert,
        Self::GetByIds,
        Self::DeleteByIds,
    ];

    /// The method behind a request: the last part of its path, and for the two kinds of query
    /// the body.
    #[must_use]
    pub fn of_request(path: &str, body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Target {
            vector_id: Option<IgnoredAny>,
        }
        let found = Self::ALL.into_iter().find(|method| method.path() == path)?;
        let by_id = |target: Target| target.vector_id.is_some();
        Some(match found {
            Self::Query if serde_json::from_slice(body).is_ok_and(by_id) => Self::QueryById,
            found => found,
        })
    }

    /// The name that callers use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Describe => "describe",
            Self::Query => "query",
            Self::QueryById => "queryById",
            Self::Insert => "insert",
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
            Self::QueryById => Self::Query.name(),
            other => other.name(),
        }
    }

    /// What its errors begin with, before `_ERROR`.
    #[must_use]
    pub fn operation(self) -> &'static str {
        match self {
            Self::Describe => "INDEX_GET",
            Self::Query | Self::QueryById => "VECTOR_QUERY",
            Self::Insert => "VECTOR_INSERT",
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
    fn requests_are_told_apart() {
        for method in Method::ALL {
            let body: &[u8] = match method {
                Method::QueryById => b"{\"topK\":1,\"vectorId\":\"a\"}",
                _ => b"{\"vector\":[1]}",
            };
            assert_eq!(Method::of_request(method.path(), body), Some(method));
            assert_eq!(serde_json::to_value(method).unwrap(), method.name());
        }
        assert_eq!(Method::of_request("query", b"rubbish"), Some(Method::Query));
        assert_eq!(Method::of_request("list", b""), None);
    }
}
