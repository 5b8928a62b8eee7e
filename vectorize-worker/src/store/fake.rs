//! Stores in memory that keep a journal, lag and fail on command. Only for unit tests.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    future::{self, Future},
    task::Poll,
};

use futures_util::FutureExt as _;
use wire::limits::EMBEDDING_DIMENSIONS;

use super::{Candidate, Entry, Face, Failure, Label, Page, Pictures, State, Vectors};
use crate::{clock::Clock, tombstone};

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing was done.
    Refused,
    /// All was done, and the answer lost.
    Lost,
    /// Nothing was done yet: it will be when [`Fake::catch_up`] is called.
    Straggles,
}

/// A write, as it is carried out at once or later.
type Write = Box<dyn FnOnce(&Fake)>;

/// Both stores, and the clock.
#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) vectors: RefCell<BTreeMap<String, Face>>,
    pub(crate) pictures: RefCell<BTreeMap<String, Label>>,
    pub(crate) tombstones: RefCell<BTreeMap<String, (Vec<String>, u64)>>,
    /// The calls made, in order.
    pub(crate) journal: RefCell<Vec<&'static str>>,
    /// The calls that fail, by name.
    pub(crate) broken: RefCell<BTreeSet<&'static str>>,
    /// The calls that fail, by their place in the journal.
    pub(crate) faults: RefCell<BTreeMap<usize, Fault>>,
    /// Whether the index applies writes only when [`Fake::catch_up`] is called.
    pub(crate) lags: Cell<bool>,
    /// Whether each call has to be polled twice, so that others can come between.
    pub(crate) steps: Cell<bool>,
    /// Milliseconds since 1970.
    pub(crate) now: Cell<u64>,
    mutations: Cell<usize>,
    processed: Cell<usize>,
    queue: RefCell<Vec<Write>>,
    stragglers: RefCell<Vec<Write>>,
}

impl Fake {
    pub(crate) fn breaking(calls: &[&'static str]) -> Self {
        Self { broken: RefCell::new(calls.iter().copied().collect()), ..Self::default() }
    }

    /// Stores a face in both.
    pub(crate) fn insert(&self, face: Face, token_hash: &str) {
        let label = Label { token_hash: token_hash.into(), uploaded: self.now.get() };
        self.pictures.borrow_mut().insert(face.id.clone(), label);
        self.vectors.borrow_mut().insert(face.id.clone(), face);
    }

    /// Vectors and pictures.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.vectors.borrow().len(), self.pictures.borrow().len())
    }

    /// How often a call was made.
    pub(crate) fn calls(&self, name: &str) -> usize {
        self.journal.borrow().iter().filter(|call| **call == name).count()
    }

    /// Lets the index apply what is queued, then what straggles, which the index queues last.
    pub(crate) fn catch_up(&self) {
        for write in self.queue.take() {
            write(self);
        }
        for write in self.stragglers.take() {
            write(self);
        }
        for write in self.queue.take() {
            write(self);
        }
        self.processed.set(self.mutations.get());
    }

    /// Makes a call, with what it writes.
    async fn call(&self, name: &'static str, write: Write) -> Result<(), Failure> {
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
            Some(Fault::Straggles) => self.stragglers.borrow_mut().push(write),
            Some(Fault::Refused) => {}
        }
        if fault.is_some() { Err(Failure::new(name, "broken")) } else { Ok(()) }
    }

    /// A write to the index, which may lag.
    fn mutation(write: impl FnOnce(&Self) + 'static) -> Write {
        Box::new(|fake: &Self| {
            fake.mutations.set(fake.mutations.get() + 1);
            if fake.lags.get() {
                fake.queue.borrow_mut().push(Box::new(write));
            } else {
                write(fake);
                fake.processed.set(fake.mutations.get());
            }
        })
    }

    async fn read(&self, name: &'static str) -> Result<(), Failure> {
        self.call(name, Box::new(|_| ())).await
    }
}

/// The result of a future over fakes, which never wait.
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
    fn now(&self) -> u64 {
        self.now.get()
    }

    async fn pause(&self, millis: u64) {
        self.now.set(self.now.get() + millis);
    }
}

impl Vectors for Fake {
    async fn upsert(&self, face: &Face) -> Result<String, Failure> {
        let face = face.clone();
        let write = Self::mutation(move |fake| {
            fake.vectors.borrow_mut().insert(face.id.clone(), face);
        });
        self.call("vectors.upsert", write).await?;
        Ok(self.mutations.get().to_string())
    }

    /// In the order of ids: callers sort.
    async fn nearest(
        &self,
        namespace: &str,
        _: &[f32],
        count: u32,
    ) -> Result<Vec<Candidate>, Failure> {
        self.read("vectors.nearest").await?;
        let vectors = self.vectors.borrow();
        let inside = vectors.values().filter(|face| face.namespace == namespace).cloned();
        let candidates =
            inside.map(|Face { id, name, embedding, .. }| Candidate { id, name, embedding });
        Ok(candidates.take(count as usize).collect())
    }

    async fn delete(&self, ids: &[String]) -> Result<(), Failure> {
        assert!((1..=super::DELETE_VECTORS_MAX).contains(&ids.len()), "{} ids", ids.len());
        let ids = ids.to_vec();
        let write = Self::mutation(move |fake| {
            fake.vectors.borrow_mut().retain(|id, _| !ids.contains(id));
        });
        self.call("vectors.delete", write).await
    }

    async fn present(&self, ids: &[String]) -> Result<Vec<String>, Failure> {
        assert!((1..=super::LOOK_UP_VECTORS_MAX).contains(&ids.len()), "{} ids", ids.len());
        self.read("vectors.present").await?;
        let vectors = self.vectors.borrow();
        Ok(ids.iter().filter(|id| vectors.contains_key(*id)).cloned().collect())
    }

    async fn state(&self) -> Result<State, Failure> {
        self.read("vectors.state").await?;
        let processed = Some(self.processed.get()).filter(|&n| n > 0).map(|n| n.to_string());
        Ok(State { dimensions: EMBEDDING_DIMENSIONS, processed })
    }
}

impl Pictures for Fake {
    async fn put(&self, id: &str, _: Vec<u8>, token_hash: &str) -> Result<u64, Failure> {
        let label = Label { token_hash: token_hash.into(), uploaded: self.now.get() };
        let (id, uploaded) = (id.to_owned(), label.uploaded);
        let write = move |fake: &Self| {
            fake.pictures.borrow_mut().insert(id, label);
        };
        self.call("pictures.put", Box::new(write)).await?;
        Ok(uploaded)
    }

    async fn label(&self, id: &str) -> Result<Option<Label>, Failure> {
        self.read("pictures.label").await?;
        Ok(self.pictures.borrow().get(id).cloned())
    }

    async fn mark(&self, key: &str, ids: &[String]) -> Result<(), Failure> {
        assert!(key.starts_with(tombstone::PREFIX));
        let (key, ids) = (key.to_owned(), ids.to_vec());
        let write = move |fake: &Self| {
            fake.tombstones.borrow_mut().insert(key, (ids, fake.now.get()));
        };
        self.call("pictures.mark", Box::new(write)).await
    }

    async fn marked(&self, key: &str) -> Result<Vec<String>, Failure> {
        self.read("pictures.marked").await?;
        Ok(self.tombstones.borrow().get(key).map(|(ids, _)| ids.clone()).unwrap_or_default())
    }

    async fn delete(&self, keys: &[String]) -> Result<(), Failure> {
        assert!((1..=super::PAGE_MAX).contains(&keys.len()), "{} keys", keys.len());
        let keys: BTreeSet<_> = keys.iter().cloned().collect();
        let write = move |fake: &Self| {
            fake.pictures.borrow_mut().retain(|key, _| !keys.contains(key));
            fake.tombstones.borrow_mut().retain(|key, _| !keys.contains(key));
        };
        self.call("pictures.delete", Box::new(write)).await
    }

    /// Cursors are keys, as those of R2 are at heart: the next page begins after them.
    async fn page(&self, prefix: &str, cursor: Option<String>) -> Result<Page, Failure> {
        self.read("pictures.page").await?;
        let (pictures, tombstones) = (self.pictures.borrow(), self.tombstones.borrow());
        let after = cursor.unwrap_or_default();
        let pictures = pictures.iter().map(|(key, label)| (key, label.uploaded));
        let tombstones = tombstones.iter().map(|(key, (_, uploaded))| (key, *uploaded));
        let mut all: Vec<_> = pictures.chain(tombstones).collect();
        all.sort();
        let mut rest = all.into_iter().filter(|(key, _)| key.starts_with(prefix) && **key > after);
        let entries: Vec<Entry> = rest
            .by_ref()
            .take(super::PAGE_MAX)
            .map(|(key, uploaded)| Entry { key: key.clone(), uploaded })
            .collect();
        let more = rest.next().is_some();
        let cursor = entries.last().filter(|_| more).map(|entry| entry.key.clone());
        Ok(Page { entries, cursor })
    }
}
