//! The names of what an installation has in an account of Cloudflare. All begin with one prefix, so
//! that several installations can be side by side, and nobody takes somebody else's things for
//! theirs. The names of what is kept of people are in [`retention`](crate::retention).

/// How the names of the usual installation begin. Others begin with this, a hyphen and their own.
pub const PREFIX: &str = "cface";

/// The public Worker.
pub const PUBLIC_WORKER: &str = "cface";

/// The private Worker.
pub const PRIVATE_WORKER: &str = "cface-vectorize";

/// The R2 bucket with the weights.
pub const MODELS_BUCKET: &str = "cface-models";

/// What a thing of the usual installation is called in the one with another prefix.
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
