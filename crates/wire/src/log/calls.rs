//! Counts what requests call. Cloudflare bills some of these calls, and all of them are work.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

/// The header by which the private Worker tells the public one what it has called for a request.
pub const CALLS_HEADER: &str = "x-cface-calls";

/// How many calls of each kind there were.
#[derive(Debug, Default)]
pub struct Calls(RefCell<BTreeMap<&'static str, u32>>);

impl Calls {
    /// Counts one.
    pub fn count(&self, kind: Call) {
        self.add(kind, 1);
    }

    fn add(&self, kind: Call, more: u32) {
        let mut counts = self.0.borrow_mut();
        let count = counts.entry(kind.as_str()).or_default();
        *count = count.saturating_add(more);
    }

    /// The counts as [`CALLS_HEADER`] has them: `r2_class_b=1, vectorize_query=1`. Empty when there
    /// are none.
    #[must_use]
    pub fn header(&self) -> String {
        let counts = self.0.borrow();
        let counts: Vec<_> = counts.iter().map(|(kind, count)| format!("{kind}={count}")).collect();
        counts.join(", ")
    }

    /// Adds the counts that the other Worker has told. Unknown names are left out: that Worker may
    /// be of another version.
    pub fn add_told(&self, header: &str) {
        for (kind, count) in header.split(',').filter_map(|told| told.trim().split_once('=')) {
            let known = Call::ALL.into_iter().find(|known| known.as_str() == kind);
            if let (Some(known), Ok(count)) = (known, count.parse()) {
                self.add(known, count);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }
}

impl Serialize for Calls {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.borrow().iter())
    }
}

/// A kind of call, as Cloudflare bills them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// The first shard's object. It calls the second one.
    Objects,
    /// The private Worker.
    Store,
    /// R2, class A: what lists or writes.
    BucketWrite,
    /// R2, class B: what reads.
    BucketRead,
    /// R2, what is free: deletions.
    BucketDelete,
    /// A query of Vectorize.
    IndexQuery,
    /// Vectors that Vectorize stores.
    IndexUpsert,
    /// Vectors that Vectorize is asked for by their ids.
    IndexGet,
    /// Vectors that Vectorize deletes.
    IndexDelete,
    /// What Vectorize says of itself.
    IndexDescribe,
}

impl Call {
    const ALL: [Self; 10] = [
        Self::Objects,
        Self::Store,
        Self::BucketWrite,
        Self::BucketRead,
        Self::BucketDelete,
        Self::IndexQuery,
        Self::IndexUpsert,
        Self::IndexGet,
        Self::IndexDelete,
        Self::IndexDescribe,
    ];

    /// Its name in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Objects => "objects",
            Self::Store => "store",
            Self::BucketWrite => "r2_class_a",
            Self::BucketRead => "r2_class_b",
            Self::BucketDelete => "r2_delete",
            Self::IndexQuery => "vectorize_query",
            Self::IndexUpsert => "vectorize_upsert",
            Self::IndexGet => "vectorize_get",
            Self::IndexDelete => "vectorize_delete",
            Self::IndexDescribe => "vectorize_describe",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_the_other_worker_are_added() {
        let private = Calls::default();
        assert_eq!(private.header(), "");
        for call in Call::ALL {
            private.count(call);
        }
        private.count(Call::BucketRead);
        let public = Calls::default();
        public.count(Call::Store);
        public.add_told(&private.header());
        let counts = serde_json::to_value(&public).unwrap();
        assert_eq!(counts.as_object().unwrap().len(), Call::ALL.len());
        assert_eq!((&counts["store"], &counts["r2_class_b"]), (&2.into(), &2.into()));
        // A Worker of another version may send names that are unknown here.
        let calls = Calls::default();
        calls.add_told("r2_class_c=3, , vectorize_query=-1, objects, r2_class_a=2,vectorize_get=x");
        assert_eq!(calls.header(), "r2_class_a=2");
    }
}
