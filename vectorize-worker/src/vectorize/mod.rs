//! Cloudflare Vectorize for Rust Workers.
//!
//! The `worker` crate has no Vectorize binding; this module is one. It is made like a crate of
//! its own: nothing in it knows of faces.
//!
//! ```no_run
//! use vectorize_worker::vectorize::{QueryOptions, ReturnMetadata, Vector, Vectorize};
//!
//! # async fn example(env: worker::Env) -> Result<(), Box<dyn std::error::Error>> {
//! let index: Vectorize = env.get_binding("VECTORIZE")?;
//! index.upsert(&[Vector::new("mona-lisa", vec![0.25; 512]).namespace("paintings")]).await?;
//! let options = QueryOptions::new()
//!     .top_k(3)
//!     .namespace("paintings")
//!     .return_metadata(ReturnMetadata::All);
//! for found in index.query(&[0.25; 512], &options).await?.matches {
//!     println!("{} at {}", found.id, found.score);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What to know of Vectorize
//!
//! - Writes are queued. [`Mutation`] names a write, [`Vectorize::describe`] tells how far the
//!   index has got: until then a query does not see the write, often for half a minute,
//!   sometimes for two. That holds for deletions too.
//! - Search is approximate, and so are scores, unless values are asked for
//!   ([`QueryOptions::return_values`]).
//! - What the score means depends on the metric of the index: for `cosine` larger is nearer, for
//!   `euclidean` and `dot-product` smaller is.
//! - There is no way to list what an index holds. Keep the ids elsewhere.
//! - Limits per call are in [`limits`]; the index refuses what is beyond them.
//!
//! # Errors
//!
//! [`Error::Refused`] has Vectorize's text and, where it gave one, its number, which
//! [`Error::reason`] names. [`Error::is_transient`] tells what to try again, with a pause that
//! grows: no call does harm when it is made twice.
//!
//! # How it is bound
//!
//! [`Vectorize`] does not look at the class of the binding, so it takes anything with the
//! methods of Vectorize: the real thing (class `VectorizeIndexImpl`), or a service binding to a
//! Worker that has these methods (class `Fetcher`), which is how an index can be emulated.
//! Values cross as plain JSON: a JavaScript `Map`, which is what serde makes of many Rust maps,
//! would be accepted and silently dropped, and `returnMetadata: false`, which looks harmless, is
//! refused by the index. Neither can happen here.

mod binding;
mod error;
mod types;

pub use binding::Vectorize;
pub use error::{Error, Reason};
pub use types::{
    IndexInfo, Match, Matches, Metadata, Mutation, QueryOptions, ReturnMetadata, Vector,
};

pub mod limits {
    //! What one call may hold.

    /// Most vectors in one [`insert`](super::Vectorize::insert) or
    /// [`upsert`](super::Vectorize::upsert) from a Worker.
    pub const WRITE_VECTORS_MAX: usize = 1000;

    /// Most ids in one [`delete_by_ids`](super::Vectorize::delete_by_ids).
    pub const DELETE_IDS_MAX: usize = 100;

    /// Most ids in one [`get_by_ids`](super::Vectorize::get_by_ids).
    pub const GET_IDS_MAX: usize = 20;

    /// Most matches of a query.
    pub const TOP_K_MAX: u32 = 100;

    /// Most matches of a query that returns values or all metadata.
    pub const TOP_K_WITH_CONTENT_MAX: u32 = 50;

    /// Longest id and longest namespace in bytes.
    pub const NAME_BYTES_MAX: usize = 64;

    /// Largest metadata of one vector in bytes of compact JSON.
    pub const METADATA_BYTES_MAX: usize = 10 << 10;

    /// Most dimensions of an index.
    pub const DIMENSIONS_MAX: usize = 1536;
}
