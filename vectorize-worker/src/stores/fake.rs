//! Stores in memory that note every call, apply writes late and fail on command. Only for unit
//! tests.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::{self, Future};
use std::task::Poll;

use futures_util::FutureExt as _;
use wire::limits::EMBEDDING_DIMENSIONS;

use super::{Candidate, Entry, Face, IndexState, Page, PictureMetadata, Pictures, Vectors};
use crate::clock::Clock;
use crate::error::StoreError;
use crate::tombstone;

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing was done.
    Refused,
    /// All was done, but the answer was lost.
    Lost,
    /// Nothing was done yet. It will be when [`Fake::catch_up`] is called.
    Delayed,
}

/// A write, to be carried out at once or later.
type Write = Box<dyn FnOnce(&Fake)>;

/// Both stores, and the clock.
#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) vectors: RefCell<BTreeMap<String, Face>>,
    pub(crate) pictures: RefCell<BTreeMap<String, PictureMetadata>>,
    /// The ids that each tombstone lists, and when it was stored.
    pub(crate) tombstones: RefCell<BTreeMap<String, (Vec<String>, u64)>>,
    /// The names of the calls made, in order.
    pub(crate) journal: RefCell<Vec<&'static str>>,
    /// The calls that fail, by name.
    pub(crate) broken: RefCell<BTreeSet<&'static str>>,
    /// The calls that fail, by their place in the journal.
    pub(crate) faults: RefCell<BTreeMap<usize, Fault>>,
    /// Whether the index applies writes only when [`Fake::catch_up`] is called.
    pub(crate) lags: Cell<bool>,
    /// Whether each call is carried out only when it is polled a second time, so that calls of
    /// another operation can come between.
    pub(crate) steps: Cell<bool>,
    /// Milliseconds since 1970.
    pub(crate) now_ms: Cell<u64>,
    /// Writes that the index has accepted, and those that it has applied.
    accepted: Cell<usize>,
    applied: Cell<usize>,
    /// Writes that the index has accepted and not applied.
    queue: RefCell<Vec<Write>>,
    /// Writes of calls that failed by [`Fault::Delayed`].
    delayed: RefCell<Vec<Write>>,
}

impl Fake {
    pub(crate) fn breaking(calls: &[&'static str]) -> Self {
        Self { broken: RefCell::new(calls.iter().copied().collect()), ..Self::default() }
    }

    /// Stores a face in both.
    pub(crate) fn insert(&self, face: Face, token_hash: &str) {
        self.pictures.borrow_mut().insert(face.id.clone(), self.metadata_now(token_hash));
        self.vectors.borrow_mut().insert(face.id.clone(), face);
    }

    /// The metadata of a picture that is stored now.
    fn metadata_now(&self, token_hash: &str) -> PictureMetadata {
        PictureMetadata { token_hash: token_hash.into(), uploaded_ms: self.now_ms.get() }
    }

    /// How many vectors and how many pictures there are.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.vectors.borrow().len(), self.pictures.borrow().len())
    }

    /// How often a call was made.
    pub(crate) fn calls(&self, name: &str) -> usize {
        self.journal.borrow().iter().filter(|call| **call == name).count()
    }

    /// Carries out the delayed writes, and lets the index apply all that it has accepted. What was
    /// accepted before comes first.
    pub(crate) fn catch_up(&self) {
        for writes in [&self.queue, &self.delayed, &self.queue] {
            for write in writes.take() {
                write(self);
            }
        }
        self.applied.set(self.accepted.get());
    }

    /// Makes a call, which carries out `write` unless it fails.
    async fn call(&self, name: &'static str, write: Write) -> Result<(), StoreError> {
        if self.steps.get() {
            let mut polled = false;
            future::poll_fn(|_| {
                if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
        let place = self.journal.borrow().len();
        self.journal.borrow_mut().push(name);
        let fault = if self.broken.borrow().contains(name) {
            Some(Fault::Refused)
        } else {
            self.faults.borrow().get(&place).copied()
        };
        match fault {
            None | Some(Fault::Lost) => write(self),
            Some(Fault::Delayed) => self.delayed.borrow_mut().push(write),
            Some(Fault::Refused) => {}
        }
        if fault.is_some() { Err(StoreError::new(name, "broken")) } else { Ok(()) }
    }

    /// A write to the index, which may apply it later.
    fn index_write(write: impl FnOnce(&Self) + 'static) -> Write {
        Box::new(|fake: &Self| {
            fake.accepted.set(fake.accepted.get() + 1);
            if fake.lags.get() {
                fake.queue.borrow_mut().push(Box::new(write));
            } else {
                write(fake);
                fake.applied.set(fake.accepted.get());
            }
        })
    }

    async fn read(&self, name: &'static str) -> Result<(), StoreError> {
        self.call(name, Box::new(|_| ())).await
    }
}

/// The result of a future that only waits for fakes, which never have to be waited for.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("fakes do not wait")
}

/// A unit vector of the right length that lies at `angle` from the first axis.
pub(crate) fn embedding(angle: f32) -> Vec<f32> {
    let mut values = vec![0.0; EMBEDDING_DIMENSIONS];
    (values[0], values[1]) = (angle.cos(), angle.sin());
    values
}

pub(crate) fn face(id: &str, angle: f32) -> Face {
    Face {
        id: id.into(),
        namespace: "n".into(),
        name: format!("name of {id}"),
        embedding: embedding(angle),
    }
}

impl Clock for Fake {
    fn now_ms(&self) -> u64 {
        self.now_ms.get()
    }

    async fn pause(&self, pause_ms: u64) {
        self.now_ms.set(self.now_ms.get() + pause_ms);
    }
}

impl Vectors for Fake {
    async fn upsert(&self, face: &Face) -> Result<String, StoreError> {
        let face = face.clone();
        let write = Self::index_write(move |fake| {
            fake.vectors.borrow_mut().insert(face.id.clone(), face);
        });
        self.call("vectors.upsert", write).await?;
        Ok(self.accepted.get().to_string())
    }

    /// In the order of ids: callers sort.
    async fn nearest(
        &self,
        namespace: &str,
        _: &[f32],
        count: u32,
    ) -> Result<Vec<Candidate>, StoreError> {
        self.read("vectors.nearest").await?;
        let vectors = self.vectors.borrow();
        let inside = vectors.values().filter(|face| face.namespace == namespace).cloned();
        let candidates =
            inside.map(|Face { id, name, embedding, .. }| Candidate { id, name, embedding });
        Ok(candidates.take(count as usize).collect())
    }

    async fn delete(&self, ids: &[String]) -> Result<(), StoreError> {
        assert!((1..=super::DELETE_VECTORS_MAX).contains(&ids.len()), "{} ids", ids.len());
        let ids = ids.to_vec();
        let write = Self::index_write(move |fake| {
            fake.vectors.borrow_mut().retain(|id, _| !ids.contains(id));
        });
        self.call("vectors.delete", write).await
    }

    async fn present(&self, ids: &[String]) -> Result<Vec<String>, StoreError> {
        assert!((1..=super::LOOK_UP_VECTORS_MAX).contains(&ids.len()), "{} ids", ids.len());
        self.read("vectors.present").await?;
        let vectors = self.vectors.borrow();
        Ok(ids.iter().filter(|id| vectors.contains_key(*id)).cloned().collect())
    }

    async fn names(&self, ids: &[String]) -> Result<Vec<(String, String)>, StoreError> {
        assert!((1..=super::LOOK_UP_VECTORS_MAX).contains(&ids.len()), "{} ids", ids.len());
        self.read("vectors.names").await?;
        let vectors = self.vectors.borrow();
        let named = |id: &String| Some((id.clone(), vectors.get(id)?.name.clone()));
        Ok(ids.iter().filter_map(named).collect())
    }

    async fn state(&self) -> Result<IndexState, StoreError> {
        self.read("vectors.state").await?;
        let last_write = Some(self.applied.get()).filter(|&n| n > 0).map(|n| n.to_string());
        Ok(IndexState { dimensions: EMBEDDING_DIMENSIONS, last_write })
    }
}

impl Pictures for Fake {
    async fn put(&self, id: &str, _: Vec<u8>, token_hash: &str) -> Result<u64, StoreError> {
        let metadata = self.metadata_now(token_hash);
        let (id, uploaded_ms) = (id.to_owned(), metadata.uploaded_ms);
        let write = move |fake: &Self| {
            fake.pictures.borrow_mut().insert(id, metadata);
        };
        self.call("pictures.put", Box::new(write)).await?;
        Ok(uploaded_ms)
    }

    async fn metadata(&self, id: &str) -> Result<Option<PictureMetadata>, StoreError> {
        self.read("pictures.metadata").await?;
        Ok(self.pictures.borrow().get(id).cloned())
    }

    async fn put_tombstone(&self, key: &str, ids: &[String]) -> Result<(), StoreError> {
        assert!(key.starts_with(tombstone::PREFIX));
        let (key, ids) = (key.to_owned(), ids.to_vec());
        let write = move |fake: &Self| {
            fake.tombstones.borrow_mut().insert(key, (ids, fake.now_ms.get()));
        };
        self.call("pictures.put_tombstone", Box::new(write)).await
    }

    async fn read_tombstone(&self, key: &str) -> Result<Vec<String>, StoreError> {
        self.read("pictures.read_tombstone").await?;
        Ok(self.tombstones.borrow().get(key).map(|(ids, _)| ids.clone()).unwrap_or_default())
    }

    async fn delete(&self, keys: &[String]) -> Result<(), StoreError> {
        assert!((1..=super::PAGE_MAX).contains(&keys.len()), "{} keys", keys.len());
        let keys: BTreeSet<_> = keys.iter().cloned().collect();
        let write = move |fake: &Self| {
            fake.pictures.borrow_mut().retain(|key, _| !keys.contains(key));
            fake.tombstones.borrow_mut().retain(|key, _| !keys.contains(key));
        };
        self.call("pictures.delete", Box::new(write)).await
    }

    /// A cursor is the last key of its page.
    async fn list(&self, prefix: &str, cursor: Option<String>) -> Result<Page, StoreError> {
        self.read("pictures.list").await?;
        Ok(self.page(prefix, cursor.as_deref(), super::PAGE_MAX))
    }

    async fn list_after(&self, key: Option<&str>, count: u32) -> Result<Page, StoreError> {
        self.read("pictures.list").await?;
        Ok(self.page("", key, count as usize))
    }
}

impl Fake {
    /// The objects whose keys begin with `prefix` and come after `after`.
    fn page(&self, prefix: &str, after: Option<&str>, count: usize) -> Page {
        let (pictures, tombstones) = (self.pictures.borrow(), self.tombstones.borrow());
        let after = after.unwrap_or_default();
        let pictures = pictures.iter().map(|(key, metadata)| (key, metadata.uploaded_ms));
        let tombstones = tombstones.iter().map(|(key, (_, uploaded_ms))| (key, *uploaded_ms));
        let mut all: Vec<_> = pictures.chain(tombstones).collect();
        all.sort();
        let mut rest =
            all.into_iter().filter(|(key, _)| key.starts_with(prefix) && &***key > after);
        let entries: Vec<Entry> = rest
            .by_ref()
            .take(count)
            .map(|(key, uploaded_ms)| Entry { key: key.clone(), uploaded_ms })
            .collect();
        let more = rest.next().is_some();
        let cursor = entries.last().filter(|_| more).map(|entry| entry.key.clone());
        Page { entries, cursor }
    }
}
