//! Stores in memory that keep a journal and fail on command. Only for unit tests.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::Future,
};

use futures_util::FutureExt as _;

use super::{Candidate, Entry, Face, Failure, Label, Page, Pictures, Vectors};

/// Both stores.
#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) vectors: RefCell<BTreeMap<String, Face>>,
    pub(crate) pictures: RefCell<BTreeMap<String, (Label, u64)>>,
    /// The calls made, in order.
    pub(crate) journal: RefCell<Vec<&'static str>>,
    /// The calls that fail.
    pub(crate) broken: RefCell<Vec<&'static str>>,
    /// When pictures are stored.
    pub(crate) now: Cell<u64>,
}

impl Fake {
    pub(crate) fn breaking(calls: &[&'static str]) -> Self {
        Self { broken: RefCell::new(calls.to_vec()), ..Self::default() }
    }

    /// Stores a face in both.
    pub(crate) fn insert(&self, face: Face, token_hash: &str) {
        let label = Label { token_hash: token_hash.into(), ..Label::default() };
        self.pictures.borrow_mut().insert(face.id.clone(), (label, self.now.get()));
        self.vectors.borrow_mut().insert(face.id.clone(), face);
    }

    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.vectors.borrow().len(), self.pictures.borrow().len())
    }

    fn call(&self, name: &'static str) -> Result<(), Failure> {
        self.journal.borrow_mut().push(name);
        if self.broken.borrow().contains(&name) {
            return Err(Failure::new(name, "broken"));
        }
        Ok(())
    }
}

/// The result of a future over fakes, which never wait.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("fakes do not wait")
}

/// A unit vector of the right length that lies at `angle` from the first axis.
pub(crate) fn embedding(angle: f32) -> Vec<f32> {
    let mut values = vec![0.0; wire::limits::EMBEDDING_DIMENSIONS];
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

impl Vectors for Fake {
    async fn upsert(&self, face: &Face) -> Result<(), Failure> {
        self.call("vectors.upsert")?;
        self.vectors.borrow_mut().insert(face.id.clone(), face.clone());
        Ok(())
    }

    /// In the order of ids: callers sort.
    async fn nearest(
        &self,
        namespace: &str,
        _: &[f32],
        count: u32,
    ) -> Result<Vec<Candidate>, Failure> {
        self.call("vectors.nearest")?;
        let vectors = self.vectors.borrow();
        let inside = vectors.values().filter(|face| face.namespace == namespace).cloned();
        let candidates =
            inside.map(|Face { id, name, embedding, .. }| Candidate { id, name, embedding });
        Ok(candidates.take(count as usize).collect())
    }

    async fn delete(&self, ids: &[String]) -> Result<(), Failure> {
        self.call("vectors.delete")?;
        assert!((1..=super::DELETE_VECTORS_MAX).contains(&ids.len()), "{} ids", ids.len());
        self.vectors.borrow_mut().retain(|id, _| !ids.contains(id));
        Ok(())
    }

    async fn dimensions(&self) -> Result<usize, Failure> {
        self.call("vectors.dimensions")?;
        Ok(wire::limits::EMBEDDING_DIMENSIONS)
    }
}

impl Pictures for Fake {
    async fn put(&self, id: &str, _: Vec<u8>, label: &Label) -> Result<(), Failure> {
        self.call("pictures.put")?;
        self.pictures.borrow_mut().insert(id.into(), (label.clone(), self.now.get()));
        Ok(())
    }

    async fn label(&self, id: &str) -> Result<Option<Label>, Failure> {
        self.call("pictures.label")?;
        Ok(self.pictures.borrow().get(id).map(|(label, _)| label.clone()))
    }

    async fn delete(&self, keys: &[String]) -> Result<(), Failure> {
        self.call("pictures.delete")?;
        assert!((1..=super::PAGE_MAX).contains(&keys.len()), "{} keys", keys.len());
        self.pictures.borrow_mut().retain(|key, _| !keys.contains(key));
        Ok(())
    }

    /// Cursors are keys, as those of R2 are at heart: the next page begins after them.
    async fn page(&self, cursor: Option<String>) -> Result<Page, Failure> {
        self.call("pictures.page")?;
        let pictures = self.pictures.borrow();
        let after = cursor.unwrap_or_default();
        let mut rest = pictures.iter().filter(|(key, _)| **key > after);
        let entries: Vec<Entry> = rest
            .by_ref()
            .take(super::PAGE_MAX)
            .map(|(key, (_, uploaded))| Entry { key: key.clone(), uploaded: *uploaded })
            .collect();
        let more = rest.next().is_some();
        let cursor = entries.last().filter(|_| more).map(|entry| entry.key.clone());
        Ok(Page { entries, cursor })
    }
}
