//! The two shards of the network as Durable Objects, and how the rest of the Worker calls them: a
//! face in, an embedding out.
//!
//! `client` calls the objects in `object`, of which `replicas` chooses one. `codec` is what both
//! sides agree on. An object bounds its requests by `limiter`, gets its weights from `load` and
//! computes with `engine`. `statistics` is what isolates say about themselves.

mod client;

mod object;

mod codec;

mod replicas;

mod limiter;

mod load;

mod engine;

mod statistics;

use std::time::Duration;

use facenet::Shard;

pub(crate) use client::embed;
pub(crate) use engine::name as engine_name;
pub(crate) use load::check_record;
pub use object::{FaceNetShard1, FaceNetShard2};
pub(crate) use replicas::Continent;
pub(crate) use statistics::{Statistics, wasm_mb};

/// How often a request looks whether it can go on. A request must not await a promise that
/// belongs to another one, so each has timers of its own.
const POLL: Duration = Duration::from_millis(20);

/// One value for each shard.
#[derive(Debug, Default)]
struct PerShard<T> {
    shard1: T,
    shard2: T,
}

impl<T> PerShard<T> {
    const fn of(&self, shard: Shard) -> &T {
        match shard {
            Shard::Shard1 => &self.shard1,
            Shard::Shard2 => &self.shard2,
        }
    }
}
