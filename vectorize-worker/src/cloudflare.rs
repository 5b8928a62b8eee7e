//! The real stores: Vectorize and R2.

use std::collections::HashMap;

use wire::limits::EMBEDDING_DIMENSIONS;
use worker::{Bucket, Env, HttpMetadata, Object, Result};

use crate::{
    bindings,
    store::{self, Candidate, Entry, Face, Failure, Label, Page, Pictures, Vectors},
    vectorize::{Match, Metadata, QueryOptions, ReturnMetadata, Vector, Vectorize},
};

/// The media type of every picture.
pub(crate) const PICTURE_TYPE: &str = "image/jpeg";

const NAME: &str = "name";
const TOKEN_HASH: &str = "token-sha256";
const NAMESPACE: &str = "namespace";
const CREATED_AT: &str = "created-at";

/// The index of embeddings.
pub(crate) struct Index(Vectorize);

/// The bucket of pictures.
pub(crate) struct Faces(Bucket);

impl Index {
    pub(crate) fn bound(env: &Env) -> std::result::Result<Self, Failure> {
        let index = env.get_binding(bindings::VECTORIZE);
        index.map(Self).map_err(|error| Failure::new("vectorize binding", error))
    }
}

impl Faces {
    pub(crate) fn bound(env: &Env) -> std::result::Result<Self, Failure> {
        env.bucket(bindings::FACES).map(Self).map_err(|error| Failure::new("r2 binding", error))
    }

    /// A picture with its content still to be read.
    pub(crate) async fn get(&self, id: &str) -> std::result::Result<Option<Object>, Failure> {
        self.0.get(id).execute().await.map_err(|error| Failure::new("r2 get", error))
    }
}

impl Vectors for Index {
    async fn upsert(&self, face: &Face) -> std::result::Result<(), Failure> {
        let metadata = Metadata::from_iter([(NAME.to_owned(), face.name.as_str().into())]);
        let vector = Vector::new(&face.id, face.embedding.clone())
            .namespace(&face.namespace)
            .metadata(metadata);
        let upserted = self.0.upsert(&[vector]).await;
        upserted.map(drop).map_err(|error| Failure::new("vectorize upsert", error))
    }

    async fn nearest(
        &self,
        namespace: &str,
        query: &[f32],
        count: u32,
    ) -> std::result::Result<Vec<Candidate>, Failure> {
        let options = QueryOptions::new()
            .top_k(count.min(store::CANDIDATES_MAX))
            .namespace(namespace)
            .return_values()
            .return_metadata(ReturnMetadata::All);
        let found = self.0.query(query, &options).await;
        let found = found.map_err(|error| Failure::new("vectorize query", error))?;
        Ok(found.matches.into_iter().filter_map(candidate).collect())
    }

    async fn delete(&self, ids: &[String]) -> std::result::Result<(), Failure> {
        let deleted = self.0.delete_by_ids(ids).await;
        deleted.map(drop).map_err(|error| Failure::new("vectorize delete", error))
    }

    async fn dimensions(&self) -> std::result::Result<usize, Failure> {
        let info = self.0.describe().await;
        info.map(|info| info.dimensions).map_err(|error| Failure::new("vectorize describe", error))
    }
}

impl Pictures for Faces {
    async fn put(
        &self,
        id: &str,
        picture: Vec<u8>,
        label: &Label,
    ) -> std::result::Result<(), Failure> {
        let http =
            HttpMetadata { content_type: Some(PICTURE_TYPE.into()), ..HttpMetadata::default() };
        let custom = HashMap::from([
            (TOKEN_HASH.to_owned(), label.token_hash.clone()),
            (NAMESPACE.to_owned(), label.namespace.clone()),
            (CREATED_AT.to_owned(), label.created_at.clone()),
        ]);
        let put = self.0.put(id, picture).http_metadata(http).custom_metadata(custom);
        put.execute().await.map(drop).map_err(|error| Failure::new("r2 put", error))
    }

    async fn label(&self, id: &str) -> std::result::Result<Option<Label>, Failure> {
        let read = async || -> Result<Option<Label>> {
            let Some(object) = self.0.head(id).await? else { return Ok(None) };
            let mut custom = object.custom_metadata()?;
            let mut take = |key| custom.remove(key).unwrap_or_default();
            Ok(Some(Label {
                token_hash: take(TOKEN_HASH),
                namespace: take(NAMESPACE),
                created_at: take(CREATED_AT),
            }))
        };
        read().await.map_err(|error| Failure::new("r2 head", error))
    }

    async fn delete(&self, keys: &[String]) -> std::result::Result<(), Failure> {
        let keys = keys.iter().map(String::as_str).collect();
        let deleted = self.0.delete_multiple(keys).await;
        deleted.map_err(|error| Failure::new("r2 delete", error))
    }

    async fn page(&self, cursor: Option<String>) -> std::result::Result<Page, Failure> {
        let mut list = self.0.list().limit(store::PAGE_MAX as u32);
        if let Some(cursor) = cursor {
            list = list.cursor(cursor);
        }
        let listed = list.execute().await.map_err(|error| Failure::new("r2 list", error))?;
        let entry =
            |object: &Object| Entry { key: object.key(), uploaded: object.uploaded().as_millis() };
        Ok(Page {
            entries: listed.objects().iter().map(entry).collect(),
            cursor: listed.cursor().filter(|_| listed.truncated()),
        })
    }
}

/// A match as this Worker stored it. Others are not ours, and nobody's face.
fn candidate(found: Match) -> Option<Candidate> {
    let name = found.metadata?.remove(NAME)?.as_str()?.to_owned();
    let embedding = found.values.filter(|values| values.len() == EMBEDDING_DIMENSIONS)?;
    Some(Candidate { id: found.id, name, embedding })
}
