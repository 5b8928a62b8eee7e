//! Cloudflare Vectorize for Rust Workers.
//!
//! The `worker` crate has no Vectorize binding; this module is one. It knows nothing of faces, and
//! has the calls that this Worker makes: no `insert`, no `queryById`, no filters.
//!
//! ```no_run
//! use vectorize_worker::vectorize::{QueryOptions, Vector, Vectorize};
//!
//! # async fn example(env: worker::Env) -> Result<(), Box<dyn std::error::Error>> {
//! let index: Vectorize = env.get_binding("VECTORIZE")?;
//! index.upsert(&[Vector::new("mona-lisa", vec![0.25; 512]).namespace("paintings")]).await?;
//! let options = QueryOptions::new().top_k(3).namespace("paintings").return_metadata();
//! for found in index.query(&[0.25; 512], &options).await?.matches {
//!     println!("{} at {}", found.id, found.score);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What to know of Vectorize
//!
//! - Writes are queued. [`Mutation`] names a write, and [`Vectorize::describe`] names the last
//!   write that was applied. Until a write is applied, often for half a minute, sometimes for two,
//!   a query does not see it. That holds for deletions too.
//! - Search is approximate, and so are scores, unless values are asked for
//!   ([`QueryOptions::return_values`]).
//! - What the score means depends on the metric of the index: for `cosine` larger is nearer, for
//!   `euclidean` and `dot-product` smaller is.
//! - There is no way to list what an index holds. Keep the ids elsewhere.
//! - Limits per call are in [`limits`]; the index refuses more.
//! - Every call can be made twice without harm, so a call that failed can be repeated.
//!
//! # How it is bound
//!
//! [`Vectorize`] does not look at the class of the binding, so it takes anything with the
//! methods of Vectorize: the real thing (class `VectorizeIndexImpl`), or a service binding to a
//! Worker that has these methods (class `Fetcher`), which is how an index can be emulated.
//!
//! Values cross as plain JSON, because other ways have traps. The index would accept a JavaScript
//! `Map`, which serde makes of many Rust maps, and silently drop it. It refuses
//! `returnMetadata: false`, which looks harmless. Neither can happen here.

mod binding;
mod error;
mod types;

pub use binding::Vectorize;
pub use error::Error;
pub use types::{IndexInfo, Match, Matches, Metadata, Mutation, QueryOptions, Vector};

pub mod limits {
    //! What one call may hold, from Cloudflare's documentation (vectorize/platform/limits). Only
    //! the two limits on ids in one call are from the texts of its errors.

    /// Most vectors in one [`upsert`](super::Vectorize::upsert) from a Worker.
    pub const WRITE_VECTORS_MAX: usize = 1000;

    /// Most ids in one [`delete_by_ids`](super::Vectorize::delete_by_ids).
    pub const DELETE_IDS_MAX: usize = 100;

    /// Most ids in one [`get_by_ids`](super::Vectorize::get_by_ids).
    pub const GET_IDS_MAX: usize = 20;

    /// Most matches of a query.
    pub const TOP_K_MAX: u32 = 100;

    /// Most matches of a query that returns values or metadata.
    pub const TOP_K_WITH_CONTENT_MAX: u32 = 50;

    /// Longest id and longest namespace in bytes.
    pub const NAME_BYTES_MAX: usize = 64;
}
