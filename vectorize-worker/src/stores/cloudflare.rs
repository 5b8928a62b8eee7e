//! The real stores: a Vectorize index and an R2 bucket.

use std::collections::HashMap;
use std::rc::Rc;

use wire::faces::is_id;
use wire::limits::EMBEDDING_DIMENSIONS;
use wire::log::{Call, Calls};
use worker::{Bucket, Env, HttpMetadata, Object, Objects};

use super::{Candidate, Entry, Face, IndexState, Page, PictureMetadata, Pictures, Vectors};
use crate::bindings;
use crate::error::StoreError;
use crate::vectorize::{Metadata, QueryOptions, Vector, Vectorize};

/// The media type of every picture.
pub(crate) const PICTURE_TYPE: &str = "image/jpeg";

/// The key of the person's name in a vector's metadata. R2 holds no names.
const NAME: &str = "name";

/// The key of the token's hash in a picture's metadata.
const TOKEN_HASH: &str = "token-sha256";

/// The index of embeddings.
pub(crate) struct Index {
    binding: Vectorize,
    calls: Rc<Calls>,
}

/// The bucket of pictures.
pub(crate) struct Faces {
    binding: Bucket,
    calls: Rc<Calls>,
}

/// Both stores, as wrangler.toml binds them. What they are asked is counted in `calls`.
pub(crate) fn bound(env: &Env, calls: Rc<Calls>) -> Result<(Index, Faces), StoreError> {
    let index = env.get_binding(bindings::VECTORIZE);
    let index = index.map_err(StoreError::of("vectorize binding"))?;
    let faces = env.bucket(bindings::FACES).map_err(StoreError::of("r2 binding"))?;
    let index = Index { binding: index, calls: Rc::clone(&calls) };
    Ok((index, Faces { binding: faces, calls }))
}

impl Index {
    /// Counts one call, and gives the binding to make it.
    fn calling(&self, call: Call) -> &Vectorize {
        self.calls.count(call);
        &self.binding
    }
}

impl Faces {
    /// Counts one call, and gives the binding to make it.
    fn calling(&self, call: Call) -> &Bucket {
        self.calls.count(call);
        &self.binding
    }

    /// A picture whose content is still to be read.
    pub(crate) async fn get(&self, id: &str) -> Result<Option<Object>, StoreError> {
        self.calling(Call::BucketRead).get(id).execute().await.map_err(StoreError::of("r2 get"))
    }

    /// The text of an object, if there is one.
    async fn text(&self, key: &str) -> Result<Option<String>, StoreError> {
        let read = async || -> worker::Result<Option<String>> {
            let object = self.calling(Call::BucketRead).get(key).execute().await?;
            let Some(body) = object.as_ref().and_then(Object::body) else { return Ok(None) };
            body.text().await.map(Some)
        };
        read().await.map_err(StoreError::of("r2 get"))
    }
}

impl Vectors for Index {
    async fn upsert(&self, face: &Face) -> Result<String, StoreError> {
        let metadata = Metadata::from_iter([(NAME.to_owned(), face.name.as_str().into())]);
        let vector = Vector::new(&face.id, face.embedding.clone())
            .namespace(&face.namespace)
            .metadata(metadata);
        let mutation = self
            .calling(Call::IndexUpsert)
            .upsert(&[vector])
            .await
            .map_err(StoreError::of("vectorize upsert"))?;
        Ok(mutation.mutation_id)
    }

    async fn nearest(
        &self,
        namespace: &str,
        query: &[f32],
        count: u32,
    ) -> Result<Vec<Candidate>, StoreError> {
        let options = QueryOptions::new()
            .top_k(count.min(super::CANDIDATES_MAX))
            .namespace(namespace)
            .return_values()
            .return_metadata();
        let found = self
            .calling(Call::IndexQuery)
            .query(query, &options)
            .await
            .map_err(StoreError::of("vectorize query"))?;
        let candidates = found.matches.into_iter();
        Ok(candidates.filter_map(|m| candidate(m.id, m.metadata, m.values?)).collect())
    }

    async fn nearest_ids(&self, namespace: &str, query: &[f32]) -> Result<Vec<String>, StoreError> {
        let options = QueryOptions::new().top_k(super::CANDIDATE_IDS_MAX).namespace(namespace);
        let found = self
            .calling(Call::IndexQuery)
            .query(query, &options)
            .await
            .map_err(StoreError::of("vectorize query"))?;
        Ok(found.matches.into_iter().map(|found| found.id).collect())
    }

    async fn look_up(&self, ids: &[String]) -> Result<Vec<Candidate>, StoreError> {
        let found = self
            .calling(Call::IndexGet)
            .get_by_ids(ids)
            .await
            .map_err(StoreError::of("vectorize get"))?;
        Ok(found.into_iter().filter_map(|v| candidate(v.id, v.metadata, v.values)).collect())
    }

    async fn delete(&self, ids: &[String]) -> Result<(), StoreError> {
        self.calling(Call::IndexDelete)
            .delete_by_ids(ids)
            .await
            .map(drop)
            .map_err(StoreError::of("vectorize delete"))
    }

    async fn present(&self, ids: &[String]) -> Result<Vec<String>, StoreError> {
        let found = self
            .calling(Call::IndexGet)
            .get_by_ids(ids)
            .await
            .map_err(StoreError::of("vectorize get"))?;
        Ok(found.into_iter().map(|vector| vector.id).collect())
    }

    async fn names(&self, ids: &[String]) -> Result<Vec<(String, String)>, StoreError> {
        let found = self
            .calling(Call::IndexGet)
            .get_by_ids(ids)
            .await
            .map_err(StoreError::of("vectorize get"))?;
        let named = |vector: Vector| Some((vector.id, name(vector.metadata)?));
        Ok(found.into_iter().filter_map(named).collect())
    }

    async fn state(&self) -> Result<IndexState, StoreError> {
        let info = self
            .calling(Call::IndexDescribe)
            .describe()
            .await
            .map_err(StoreError::of("vectorize describe"))?;
        Ok(IndexState {
            dimensions: info.dimensions,
            vectors: info.vector_count,
            last_write: info.processed_up_to_mutation,
        })
    }
}

impl Pictures for Faces {
    async fn put(&self, id: &str, picture: Vec<u8>, token_hash: &str) -> Result<u64, StoreError> {
        let http =
            HttpMetadata { content_type: Some(PICTURE_TYPE.into()), ..HttpMetadata::default() };
        let custom = HashMap::from([(TOKEN_HASH.to_owned(), token_hash.to_owned())]);
        let put = self
            .calling(Call::BucketWrite)
            .put(id, picture)
            .http_metadata(http)
            .custom_metadata(custom);
        let stored = put.execute().await.map_err(StoreError::of("r2 put"))?;
        // Only a put with a condition can store nothing, and this one has none.
        let stored = stored.ok_or_else(|| StoreError::new("r2 put", "nothing was stored"))?;
        Ok(stored.uploaded().as_millis())
    }

    async fn metadata(&self, id: &str) -> Result<Option<PictureMetadata>, StoreError> {
        let read = async || -> worker::Result<Option<PictureMetadata>> {
            let Some(object) = self.calling(Call::BucketRead).head(id).await? else {
                return Ok(None);
            };
            let token_hash = object.custom_metadata()?.remove(TOKEN_HASH).unwrap_or_default();
            let uploaded_ms = object.uploaded().as_millis();
            Ok(Some(PictureMetadata { token_hash, uploaded_ms }))
        };
        read().await.map_err(StoreError::of("r2 head"))
    }

    async fn has(&self, key: &str) -> Result<bool, StoreError> {
        let object =
            self.calling(Call::BucketRead).head(key).await.map_err(StoreError::of("r2 head"))?;
        Ok(object.is_some())
    }

    async fn put_ids(&self, key: &str, ids: &[String]) -> Result<(), StoreError> {
        let put = self.calling(Call::BucketWrite).put(key, ids.join("\n")).execute().await;
        put.map(drop).map_err(StoreError::of("r2 put"))
    }

    async fn read_ids(&self, key: &str) -> Result<Vec<String>, StoreError> {
        let text = self.text(key).await?.unwrap_or_default();
        // A line that is not an id names no vector, and Vectorize might refuse all ids because of
        // it.
        Ok(text.lines().filter(|line| is_id(line)).map(Into::into).collect())
    }

    async fn put_last_purge(&self, json: String) -> Result<(), StoreError> {
        let put = self.calling(Call::BucketWrite).put(super::LAST_PURGE, json).execute().await;
        put.map(drop).map_err(StoreError::of("r2 put"))
    }

    async fn read_last_purge(&self) -> Result<Option<String>, StoreError> {
        self.text(super::LAST_PURGE).await
    }

    async fn delete(&self, keys: &[String]) -> Result<(), StoreError> {
        let keys = keys.iter().map(String::as_str).collect();
        self.calling(Call::BucketDelete)
            .delete_multiple(keys)
            .await
            .map_err(StoreError::of("r2 delete"))
    }

    async fn list(&self, prefix: &str, cursor: Option<String>) -> Result<Page, StoreError> {
        let mut list =
            self.calling(Call::BucketWrite).list().limit(super::PAGE_MAX as u32).prefix(prefix);
        if let Some(cursor) = cursor {
            list = list.cursor(cursor);
        }
        Ok(page(&list.execute().await.map_err(StoreError::of("r2 list"))?))
    }

    async fn list_after(&self, key: Option<&str>, count: u32) -> Result<Page, StoreError> {
        let mut list = self.calling(Call::BucketWrite).list().limit(count);
        if let Some(key) = key {
            list = list.start_after(key);
        }
        Ok(page(&list.execute().await.map_err(StoreError::of("r2 list"))?))
    }
}

fn page(listed: &Objects) -> Page {
    let entry =
        |object: &Object| Entry { key: object.key(), uploaded_ms: object.uploaded().as_millis() };
    Page {
        entries: listed.objects().iter().map(entry).collect(),
        cursor: listed.cursor().filter(|_| listed.truncated()),
    }
}

/// The name in a vector's metadata.
fn name(metadata: Option<Metadata>) -> Option<String> {
    Some(metadata?.remove(NAME)?.as_str()?.to_owned())
}

/// A candidate, if the vector has the form in which this Worker stores faces.
fn candidate(id: String, metadata: Option<Metadata>, values: Vec<f32>) -> Option<Candidate> {
    let name = name(metadata)?;
    (values.len() == EMBEDDING_DIMENSIONS).then_some(Candidate { id, name, embedding: values })
}
