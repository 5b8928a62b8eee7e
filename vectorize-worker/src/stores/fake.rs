//! Stores in memory that note every call, apply writes late and fail on command. Only for unit
//! tests.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::{self, Future};
use std::ops::Bound;
use std::rc::Rc;
use std::task::Poll;

use futures_util::FutureExt as _;
use wire::limits::EMBEDDING_DIMENSIONS;

use super::latency::Latency;
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
    /// What is known of the last purge.
    pub(crate) last_purge: RefCell<Option<String>>,
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
    /// Lets one of so many calls fail. 0: none.
    pub(crate) fail_every: Cell<usize>,
    /// How long calls take. They take no time unless told otherwise.
    pub(crate) latency: Latency,
    /// Whether each call takes a millisecond.
    pub(crate) ticks: Cell<bool>,
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
            future::poll_fn(|context| {
                // Calls of one operation that are made at once are polled when they are woken.
                context.waker().wake_by_ref();
                if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
        let place = self.journal.borrow().len();
        self.journal.borrow_mut().push(name);
        self.now_ms.set(self.now_ms.get() + u64::from(self.ticks.get()));
        self.latency.pass(&self.now_ms).await;
        let fault = if self.broken.borrow().contains(name) || self.is_unlucky(place) {
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

    /// Whether a call is one that [`Fake::fail_every`] lets fail.
    fn is_unlucky(&self, place: usize) -> bool {
        let every = self.fail_every.get();
        every > 0 && place % every == every - 1
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

    /// The first faces of a namespace.
    fn inside(&self, namespace: &str, count: u32) -> Vec<Face> {
        let vectors = self.vectors.borrow();
        let inside = vectors.values().filter(|face| face.namespace == namespace);
        inside.take(count as usize).cloned().collect()
    }

    async fn read(&self, name: &'static str) -> Result<(), StoreError> {
        self.call(name, Box::new(|_| ())).await
    }
}

fn candidate(Face { id, name, embedding, .. }: Face) -> Candidate {
    Candidate { id, name, embedding }
}

/// The result of a future that only waits for fakes, which answer at once.
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
        if self.latency.call_ms.get() == 0 {
            return self.now_ms.set(self.now_ms.get() + pause_ms);
        }
        self.latency.wait(pause_ms, &self.now_ms).await;
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
        assert!(count <= super::CANDIDATES_MAX, "{count} candidates");
        self.read("vectors.nearest").await?;
        Ok(self.inside(namespace, count).into_iter().map(candidate).collect())
    }

    async fn nearest_ids(&self, namespace: &str, _: &[f32]) -> Result<Vec<String>, StoreError> {
        self.read("vectors.nearest_ids").await?;
        let inside = self.inside(namespace, super::CANDIDATE_IDS_MAX);
        Ok(inside.into_iter().map(|face| face.id).collect())
    }

    async fn look_up(&self, ids: &[String]) -> Result<Vec<Candidate>, StoreError> {
        assert!((1..=super::LOOK_UP_VECTORS_MAX).contains(&ids.len()), "{} ids", ids.len());
        self.read("vectors.look_up").await?;
        let vectors = self.vectors.borrow();
        Ok(ids.iter().filter_map(|id| vectors.get(id).cloned()).map(candidate).collect())
    }

    async fn delete(&self, ids: &[String]) -> Result<(), StoreError> {
        assert!((1..=super::DELETE_VECTORS_MAX).contains(&ids.len()), "{} ids", ids.len());
        let ids = ids.to_vec();
        let write = Self::index_write(move |fake| {
            let mut vectors = fake.vectors.borrow_mut();
            for id in &ids {
                vectors.remove(id);
            }
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
        let vectors = Some(self.vectors.borrow().len() as u64);
        Ok(IndexState { dimensions: EMBEDDING_DIMENSIONS, vectors, last_write })
    }
}

impl Pictures for Fake {
    async fn put(&self, id: &str, _: Vec<u8>, token_hash: &str) -> Result<u64, StoreError> {
        let (id, token_hash) = (id.to_owned(), token_hash.to_owned());
        let stored = Rc::new(Cell::new(0));
        let uploaded = Rc::clone(&stored);
        let write = move |fake: &Self| {
            let metadata = fake.metadata_now(&token_hash);
            uploaded.set(metadata.uploaded_ms);
            fake.pictures.borrow_mut().insert(id, metadata);
        };
        self.call("pictures.put", Box::new(write)).await?;
        Ok(stored.get())
    }

    async fn metadata(&self, id: &str) -> Result<Option<PictureMetadata>, StoreError> {
        self.read("pictures.metadata").await?;
        Ok(self.pictures.borrow().get(id).cloned())
    }

    async fn has(&self, key: &str) -> Result<bool, StoreError> {
        self.read("pictures.has").await?;
        let is_picture = self.pictures.borrow().contains_key(key);
        Ok(is_picture || self.tombstones.borrow().contains_key(key))
    }

    async fn put_ids(&self, key: &str, ids: &[String]) -> Result<(), StoreError> {
        assert!(key.starts_with(tombstone::PREFIX));
        let (key, ids) = (key.to_owned(), ids.to_vec());
        let write = move |fake: &Self| {
            fake.tombstones.borrow_mut().insert(key, (ids, fake.now_ms.get()));
        };
        self.call("pictures.put_ids", Box::new(write)).await
    }

    async fn read_ids(&self, key: &str) -> Result<Vec<String>, StoreError> {
        self.read("pictures.read_ids").await?;
        Ok(self.tombstones.borrow().get(key).map(|(ids, _)| ids.clone()).unwrap_or_default())
    }

    async fn put_last_purge(&self, json: String) -> Result<(), StoreError> {
        let write = move |fake: &Self| *fake.last_purge.borrow_mut() = Some(json);
        self.call("pictures.put_last_purge", Box::new(write)).await
    }

    async fn read_last_purge(&self) -> Result<Option<String>, StoreError> {
        self.read("pictures.read_last_purge").await?;
        Ok(self.last_purge.borrow().clone())
    }

    async fn delete(&self, keys: &[String]) -> Result<(), StoreError> {
        assert!((1..=super::PAGE_MAX).contains(&keys.len()), "{} keys", keys.len());
        let keys = keys.to_vec();
        let write = move |fake: &Self| {
            for key in keys {
                fake.pictures.borrow_mut().remove(&key);
                fake.tombstones.borrow_mut().remove(&key);
            }
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
        let from = after.map_or(Bound::Included(prefix), Bound::Excluded);
        let range = (from, Bound::Unbounded);
        let pictures =
            pictures.range::<str, _>(range).map(|(key, picture)| (key, picture.uploaded_ms));
        let tombstones =
            tombstones.range::<str, _>(range).map(|(key, (_, stored_ms))| (key, *stored_ms));
        // Of either kind no more than a page holds, and one that tells of the next page.
        let mut all: Vec<_> = pictures.take(count + 1).collect();
        all.extend(tombstones.take(count + 1));
        all.sort();
        let mut rest = all.into_iter().filter(|(key, _)| key.starts_with(prefix));
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
