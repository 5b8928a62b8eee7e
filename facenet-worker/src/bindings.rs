//! The names of the bindings in wrangler.toml.

/// R2 bucket with `shard1.bin` and `shard2.bin`.
pub(crate) const MODELS: &str = "MODELS";

/// Durable Object namespace of [`FaceNetShard1`](crate::FaceNetShard1).
pub(crate) const FACENET_SHARD1: &str = "FACENET_SHARD1";

/// Durable Object namespace of [`FaceNetShard2`](crate::FaceNetShard2).
pub(crate) const FACENET_SHARD2: &str = "FACENET_SHARD2";

/// Service binding to `cface-vectorize`.
pub(crate) const VECTORIZE_WORKER: &str = "VECTORIZE_WORKER";

/// Variable: the name of the model whose records are in [`MODELS`].
pub(crate) const MODEL: &str = "MODEL";

/// Variable: how many objects of each shard serve a continent; one if it is missing.
pub(crate) const REPLICAS: &str = "REPLICAS";

/// Variable: origins, with commas, whose pages may use the API; `*` for all.
pub(crate) const ALLOWED_ORIGINS: &str = "ALLOWED_ORIGINS";

/// Rate limit of `/embed`.
pub(crate) const EMBED_LIMIT: &str = "EMBED_LIMIT";

/// Rate limit of `/add`.
pub(crate) const ADD_LIMIT: &str = "ADD_LIMIT";

/// Rate limit of `/match`.
pub(crate) const MATCH_LIMIT: &str = "MATCH_LIMIT";

/// Rate limit of `/verify`.
pub(crate) const VERIFY_LIMIT: &str = "VERIFY_LIMIT";

#[cfg(test)]
mod tests {
    #[test]
    fn wrangler_toml_has_every_binding() {
        let config = include_str!("../../wrangler.toml");
        for name in [
            super::MODELS,
            super::FACENET_SHARD1,
            super::FACENET_SHARD2,
            super::VECTORIZE_WORKER,
            super::EMBED_LIMIT,
            super::ADD_LIMIT,
            super::MATCH_LIMIT,
            super::VERIFY_LIMIT,
        ] {
            assert!(config.contains(&format!("\"{name}\"")), "{name}");
        }
        for name in [super::MODEL, super::REPLICAS, super::ALLOWED_ORIGINS] {
            assert!(config.contains(&format!("\n{name} = ")), "{name}");
        }
        for class in ["FaceNetShard1", "FaceNetShard2"] {
            assert!(config.contains(&format!("class_name = \"{class}\"")), "{class}");
        }
    }
}
