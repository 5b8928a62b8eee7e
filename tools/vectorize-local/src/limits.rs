//! The limits of Vectorize that this stand-in enforces, from Cloudflare's documentation
//! (vectorize/platform/limits). Only the two limits on ids in one call are from the texts of its
//! errors.

/// Most dimensions that an index can have.
pub const DIMENSIONS_MAX: usize = 1536;

/// Longest id in bytes.
pub const ID_BYTES_MAX: usize = 64;

/// Longest namespace in bytes.
pub const NAMESPACE_BYTES_MAX: usize = 64;

/// Largest metadata of one vector in bytes of JSON.
pub const METADATA_BYTES_MAX: usize = 10 << 10;

/// Most vectors in one `upsert` from a Worker.
pub const WRITE_VECTORS_MAX: usize = 1000;

/// Most ids in one `deleteByIds`.
pub const DELETE_IDS_MAX: usize = 100;

/// Most ids in one `getByIds`.
pub const GET_IDS_MAX: usize = 20;

/// Matches returned when a query does not say how many.
pub const TOP_K_DEFAULT: usize = 5;

/// Most matches that a query can ask for.
pub const TOP_K_MAX: usize = 100;

/// Most matches that a query can ask for together with their values or all metadata.
pub const TOP_K_WITH_CONTENT_MAX: usize = 50;
