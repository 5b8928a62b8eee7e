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

#[cfg(test)]
mod tests {
    #[test]
    fn wrangler_toml_has_every_binding() {
        let config = include_str!("../../wrangler.toml");
        for name in
            [super::MODELS, super::FACENET_SHARD1, super::FACENET_SHARD2, super::VECTORIZE_WORKER]
        {
            assert!(config.contains(&format!("\"{name}\"")), "{name}");
        }
        assert!(config.contains(&format!("\n{} = ", super::MODEL)));
        for class in ["FaceNetShard1", "FaceNetShard2"] {
            assert!(config.contains(&format!("class_name = \"{class}\"")), "{class}");
        }
    }
}
