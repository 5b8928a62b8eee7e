//! The binding itself: JavaScript methods, and their Rust faces.

use js_sys::{JSON, Promise};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::EnvBinding;

use super::{Error, IndexInfo, Matches, Mutation, QueryOptions, Vector};

#[wasm_bindgen]
extern "C" {
    /// A Vectorize index, by the name of its binding: `env.get_binding("VECTORIZE")`. Cloning it
    /// clones a reference.
    #[derive(Clone, Debug)]
    pub type Vectorize;

    #[wasm_bindgen(method, catch, js_name = describe)]
    fn js_describe(this: &Vectorize) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = query)]
    fn js_query(this: &Vectorize, vector: JsValue, options: JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = queryById)]
    fn js_query_by_id(this: &Vectorize, id: &str, options: JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = insert)]
    fn js_insert(this: &Vectorize, vectors: JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = upsert)]
    fn js_upsert(this: &Vectorize, vectors: JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = getByIds)]
    fn js_get_by_ids(this: &Vectorize, ids: JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = deleteByIds)]
    fn js_delete_by_ids(this: &Vectorize, ids: JsValue) -> Result<JsValue, JsValue>;
}

impl EnvBinding for Vectorize {
    const TYPE_NAME: &'static str = "VectorizeIndexImpl";

    /// Takes the binding whatever its class: an emulated index is a `Fetcher`.
    fn get(binding: JsValue) -> worker::Result<Self> {
        Ok(binding.unchecked_into())
    }
}

impl Vectorize {
    /// The state of the index: what it is, how much it holds, and up to which write it has got.
    ///
    /// ```no_run
    /// # use vectorize_worker::vectorize::{Error, Mutation, Vectorize};
    /// /// Whether a search sees this write, if it is the last one made.
    /// async fn is_applied(index: &Vectorize, write: &Mutation) -> Result<bool, Error> {
    ///     let info = index.describe().await?;
    ///     Ok(info.processed_up_to_mutation.as_ref() == Some(&write.mutation_id))
    /// }
    /// ```
    ///
    /// # Errors
    /// When the index does not answer.
    pub async fn describe(&self) -> Result<IndexInfo, Error> {
        settle(self.js_describe()).await
    }

    /// The stored vectors nearest to `vector`, nearest first.
    ///
    /// ```no_run
    /// # use vectorize_worker::vectorize::{Error, QueryOptions, Vectorize};
    /// /// The exact score of the nearest vector.
    /// async fn nearest(index: &Vectorize, vector: &[f32]) -> Result<Option<f64>, Error> {
    ///     let options = QueryOptions::new().top_k(1).return_values();
    ///     let found = index.query(vector, &options).await?;
    ///     Ok(found.matches.first().map(|nearest| nearest.score))
    /// }
    /// ```
    ///
    /// # Errors
    /// When the index refuses: wrong dimensions (40006), `top_k` too large (40025), numbers that
    /// are not finite (40026), too many requests (40041).
    pub async fn query(&self, vector: &[f32], options: &QueryOptions) -> Result<Matches, Error> {
        settle(self.js_query(to_js(vector)?, to_js(options)?)).await
    }

    /// The stored vectors nearest to the one stored under `id`, which is among them.
    ///
    /// # Errors
    /// As [`query`](Self::query), and when there is no such vector.
    pub async fn query_by_id(&self, id: &str, options: &QueryOptions) -> Result<Matches, Error> {
        settle(self.js_query_by_id(id, to_js(options)?)).await
    }

    /// Stores vectors whose ids are new, and leaves those alone that exist.
    ///
    /// # Errors
    /// When the index refuses, and then all of them: wrong dimensions (40012), ids (40008) or
    /// namespaces (40009) too long, too much metadata (40016) or keys that it cannot have
    /// (40018), numbers that are not finite (40023), more than
    /// [`WRITE_VECTORS_MAX`](super::limits::WRITE_VECTORS_MAX), too many requests (40041).
    pub async fn insert(&self, vectors: &[Vector]) -> Result<Mutation, Error> {
        settle(self.js_insert(to_js(vectors)?)).await
    }

    /// Stores vectors in place of those with the same ids: values, namespace and metadata, of
    /// which nothing is kept.
    ///
    /// ```no_run
    /// # use vectorize_worker::vectorize::{Error, Vector, Vectorize, limits};
    /// /// Any number of vectors.
    /// async fn store(index: &Vectorize, vectors: &[Vector]) -> Result<(), Error> {
    ///     for batch in vectors.chunks(limits::WRITE_VECTORS_MAX) {
    ///         index.upsert(batch).await?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub async fn upsert(&self, vectors: &[Vector]) -> Result<Mutation, Error> {
        settle(self.js_upsert(to_js(vectors)?)).await
    }

    /// Those of the vectors that exist, with values and metadata. Compare ids: some may be
    /// missing.
    ///
    /// # Errors
    /// When the index refuses: more than [`GET_IDS_MAX`](super::limits::GET_IDS_MAX) ids (40007),
    /// ids too long (40008), too many requests (40041).
    pub async fn get_by_ids(&self, ids: &[String]) -> Result<Vec<Vector>, Error> {
        settle(self.js_get_by_ids(to_js(ids)?)).await
    }

    /// Removes those of the vectors that exist; the others are no error. Searches may find them
    /// until the write is applied.
    ///
    /// ```no_run
    /// # use vectorize_worker::vectorize::{Error, Vectorize, limits};
    /// /// Any number of ids.
    /// async fn remove(index: &Vectorize, ids: &[String]) -> Result<(), Error> {
    ///     for batch in ids.chunks(limits::DELETE_IDS_MAX) {
    ///         index.delete_by_ids(batch).await?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// When the index refuses: more than [`DELETE_IDS_MAX`](super::limits::DELETE_IDS_MAX) ids
    /// (40007), ids too long (40008), too many requests (40041).
    pub async fn delete_by_ids(&self, ids: &[String]) -> Result<Mutation, Error> {
        settle(self.js_delete_by_ids(to_js(ids)?)).await
    }
}

/// Waits for a method and reads its result. Over RPC a method returns something that can be
/// awaited but is no `Promise`, which `Promise.resolve` makes one.
async fn settle<T: DeserializeOwned>(returned: Result<JsValue, JsValue>) -> Result<T, Error> {
    let returned = returned.map_err(|thrown| Error::from_js(&thrown))?;
    let value = JsFuture::from(Promise::resolve(&returned)).await;
    let value = value.map_err(|thrown| Error::from_js(&thrown))?;
    let json = JSON::stringify(&value).map_err(|thrown| Error::from_js(&thrown))?;
    // Not `String::from`: what JSON cannot say, such as undefined, has no text, and would panic.
    let json = JsValue::from(json).as_string();
    let json = json.ok_or_else(|| Error::Unreadable("the answer is no JSON".to_owned()))?;
    read(&json)
}

/// As a plain JavaScript value. Through text, which crosses the border once, where building
/// the value would cross it for every number.
fn to_js<T: Serialize + ?Sized>(value: &T) -> Result<JsValue, Error> {
    let json =
        serde_json::to_string(value).map_err(|error| Error::Unreadable(error.to_string()))?;
    JSON::parse(&json).map_err(|thrown| Error::from_js(&thrown))
}

/// Reads an answer. What serde says of one that it cannot read may quote it, and so is cut down to
/// the place.
fn read<T: DeserializeOwned>(json: &str) -> Result<T, Error> {
    serde_json::from_str(json).map_err(|error| {
        let (kind, at) = (error.classify(), error.column());
        Error::Unreadable(format!("{kind:?} at character {at} of {}", json.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_answers_are_errors() {
        for json in ["", "null", "7", "[]", "{\"matches\":7}", "{\"matches\":[{\"id\":1}]}"] {
            assert!(matches!(read::<Matches>(json), Err(Error::Unreadable(_))), "{json}");
            assert!(matches!(read::<Mutation>(json), Err(Error::Unreadable(_))), "{json}");
        }
        assert!(matches!(read::<Vec<Vector>>("{}"), Err(Error::Unreadable(_))));
    }

    #[test]
    fn errors_quote_no_data() {
        let error = read::<Matches>("{\"matches\":[{\"id\":\"a\",\"score\":\"secret\"}]}");
        assert!(!error.unwrap_err().to_string().contains("secret"));
    }
}
