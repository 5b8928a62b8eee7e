//! The two shards of the network as Durable Objects, and how the rest of the Worker calls them: a
//! face in, an embedding out.
//!
//! `client` calls an object, which `replicas` chooses in the caller's `region`, for the weights
//! that are `served`. `wake` lets objects load before they are needed. `codec` has the messages of
//! both sides. An `object` bounds its requests by `limiter`, gets its weights from `load`, which
//! reads them in `pieces`, and computes with `engine`. `statistics` is what isolates tell about
//! themselves.

mod client;
mod object;
mod codec;
mod region;
mod replicas;
mod limiter;
mod load;
mod pieces;
mod engine;
mod served;
mod wake;
mod statistics;
mod per_shard;

pub(crate) use client::embed;
pub(crate) use codec::Source;
pub(crate) use engine::{PIPELINE, name as engine_name};
pub(crate) use limiter::{Bounds, Limiter, Permit};
pub(crate) use load::check_record;
pub use object::{FaceNetShard1, FaceNetShard2};
pub(crate) use region::Region;
pub(crate) use served::weights;
pub(crate) use statistics::{Statistics, wasm_mb};
pub(crate) use wake::wake;
