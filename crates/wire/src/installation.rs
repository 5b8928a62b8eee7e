//! The names of an installation's Workers and buckets in an account of Cloudflare. All begin with
//! one prefix, so that there can be several installations in an account, and none touches what
//! belongs to another. The names of index and bucket with people's faces are in
//! [`retention`](crate::retention).

/// How the names of the usual installation begin. Others begin with this, a hyphen and their own.
pub const PREFIX: &str = "cface";

/// The public Worker.
pub const PUBLIC_WORKER: &str = "cface";

/// The private Worker.
pub const PRIVATE_WORKER: &str = "cface-vectorize";

/// The R2 bucket with the weights.
pub const MODELS_BUCKET: &str = "cface-models";

/// A name of the usual installation, as the installation with another prefix has it.
#[must_use]
pub fn renamed(name: &str, prefix: &str) -> String {
    let rest = name.strip_prefix(PREFIX);
    rest.map_or_else(|| name.to_owned(), |rest| format!("{prefix}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retention::{BUCKET_NAME, INDEX_NAME};

    #[test]
    fn installations_share_no_name() {
        for name in [PUBLIC_WORKER, PRIVATE_WORKER, MODELS_BUCKET, BUCKET_NAME, INDEX_NAME] {
            assert_eq!(renamed(name, PREFIX), name);
            let other = renamed(name, "cface-other");
            assert!(other.starts_with("cface-other"), "{other}");
        }
        assert_eq!(renamed(PRIVATE_WORKER, "cface-2"), "cface-2-vectorize");
    }
}
