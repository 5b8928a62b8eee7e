//! One value for each shard.

use facenet::Shard;

/// The values of both shards.
#[derive(Debug, Default)]
pub(super) struct PerShard<T> {
    shard1: T,
    shard2: T,
}

impl<T> PerShard<T> {
    /// The value of one.
    pub(super) const fn of(&self, shard: Shard) -> &T {
        match shard {
            Shard::Shard1 => &self.shard1,
            Shard::Shard2 => &self.shard2,
        }
    }
}
