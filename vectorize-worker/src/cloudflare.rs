//! The real stores, Vectorize and R2, and the real clock.

use std::{collections::HashMap, time::Duration};

use wire::{faces::is_id, limits::EMBEDDING_DIMENSIONS};
use worker::{Bucket, Date, Delay, Env, HttpMetadata, Object, Result};

use crate::{
    bindings,
    clock::Clock,
    store::{self, Candidate, Entry, Face, Failure, Label, Page, Pictures, State, Vectors},
    vectorize::{Error, Match, Metadata, QueryOptions, ReturnMetadata, Vector, Vectorize},
};

/// The media type of every picture.
pub(crate) const PICTURE_TYPE: &str = "image/jpeg";

/// Metadata of a vector: the person's name.
const NAME: &str = "name";

/// Metadata of a picture. It is all ASCII and far from the 8 KiB that R2 takes: names are only
/// in the index.
const TOKEN_HASH: &str = "token-sha256";

/// The index of embeddings.
pub(crate) struct Index(Vectorize);

/// The bucket of pictures.
pub(crate) struct Faces(Bucket);

/// The clock of the runtime. It moves with I/O only.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        Date::now().as_millis()
    }

    async fn pause(&self, millis: u64) {
        Delay::from(Duration::from_millis(millis)).await;
    }
}

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
    async fn upsert(&self, face: &Face) -> std::result::Result<String, Failure> {
        let metadata = Metadata::from_iter([(NAME.to_owned(), face.name.as_str().into())]);
        let vector = Vector::new(&face.id, face.embedding.clone())
            .namespace(&face.namespace)
            .metadata(metadata);
        let upserted = self.0.upsert(&[vector]).await;
        upserted.map(|mutation| mutation.mutation_id).map_err(failed("vectorize upsert"))
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
        let found = self.0.query(query, &options).await.map_err(failed("vectorize query"))?;
        Ok(found.matches.into_iter().filter_map(candidate).collect())
    }

    async fn delete(&self, ids: &[String]) -> std::result::Result<(), Failure> {
        self.0.delete_by_ids(ids).await.map(drop).map_err(failed("vectorize delete"))
    }

    async fn present(&self, ids: &[String]) -> std::result::Result<Vec<String>, Failure> {
        let found = self.0.get_by_ids(ids).await.map_err(failed("vectorize get"))?;
        Ok(found.into_iter().map(|vector| vector.id).collect())
    }

    async fn state(&self) -> std::result::Result<State, Failure> {
        let info = self.0.describe().await.map_err(failed("vectorize describe"))?;
        Ok(State { dimensions: info.dimensions, processed: info.processed_up_to_mutation })
    }
}

impl Pictures for Faces {
    async fn put(
        &self,
        id: &str,
        picture: Vec<u8>,
        token_hash: &str,
    ) -> std::result::Result<u64, Failure> {
        let http =
            HttpMetadata { content_type: Some(PICTURE_TYPE.into()), ..HttpMetadata::default() };
        let custom = HashMap::from([(TOKEN_HASH.to_owned(), token_hash.to_owned())]);
        let put = self.0.put(id, picture).http_metadata(http).custom_metadata(custom);
        let stored = put.execute().await.map_err(|error| Failure::new("r2 put", error))?;
        // Only a put on a condition can store nothing.
        let stored = stored.ok_or_else(|| Failure::new("r2 put", "nothing was stored"))?;
        Ok(stored.uploaded().as_millis())
    }

    async fn label(&self, id: &str) -> std::result::Result<Option<Label>, Failure> {
        let read = async || -> Result<Option<Label>> {
            let Some(object) = self.0.head(id).await? else { return Ok(None) };
            let token_hash = object.custom_metadata()?.remove(TOKEN_HASH).unwrap_or_default();
            Ok(Some(Label { token_hash, uploaded: object.uploaded().as_millis() }))
        };
        read().await.map_err(|error| Failure::new("r2 head", error))
    }

    async fn mark(&self, key: &str, ids: &[String]) -> std::result::Result<(), Failure> {
        let put = self.0.put(key, ids.join("\n")).execute().await;
        put.map(drop).map_err(|error| Failure::new("r2 put", error))
    }

    async fn marked(&self, key: &str) -> std::result::Result<Vec<String>, Failure> {
        let read = async || -> Result<String> {
            let object = self.0.get(key).execute().await?;
            let Some(body) = object.as_ref().and_then(Object::body) else {
                return Ok(String::new());
            };
            body.text().await
        };
        let text = read().await.map_err(|error| Failure::new("r2 get", error))?;
        // What is no id never had a vector, and could spoil a whole batch.
        Ok(text.lines().filter(|line| is_id(line)).map(Into::into).collect())
    }

    async fn delete(&self, keys: &[String]) -> std::result::Result<(), Failure> {
        let keys = keys.iter().map(String::as_str).collect();
        let deleted = self.0.delete_multiple(keys).await;
        deleted.map_err(|error| Failure::new("r2 delete", error))
    }

    async fn page(
        &self,
        prefix: &str,
        cursor: Option<String>,
    ) -> std::result::Result<Page, Failure> {
        let mut list = self.0.list().limit(store::PAGE_MAX as u32).prefix(prefix);
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

/// What Vectorize said, for the log.
fn failed(tried: &'static str) -> impl Fn(Error) -> Failure {
    move |error| Failure::new(tried, without_answer(&error.to_string()))
}

/// Without the answer that workerd quotes when it is no JSON: there could be names in it.
fn without_answer(message: &str) -> &str {
    message.split_once("Failed to parse body as JSON, got:").map_or(message, |_| "not JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_not_logged() {
        let quoted =
            "Failed to parse body as JSON, got: {\"matches\":[{\"metadata\":{\"name\":\"Ada";
        assert_eq!(without_answer(quoted), "not JSON");
        let refused = "VECTOR_QUERY_ERROR (code = 40006): expected 512 dimensions, and got 1";
        assert_eq!(without_answer(refused), refused);
    }
}
