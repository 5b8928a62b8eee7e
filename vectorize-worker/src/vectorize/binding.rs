//! The binding itself: the methods of the JavaScript object, and Rust methods over them.

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

    #[wasm_bindgen(method, catch, js_name = upsert)]
    fn js_upsert(this: &Vectorize, vectors: JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = getByIds)]
    fn js_get_by_ids(this: &Vectorize, ids: JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = deleteByIds)]
    fn js_delete_by_ids(this: &Vectorize, ids: JsValue) -> Result<JsValue, JsValue>;
}

impl EnvBinding for Vectorize {
    const TYPE_NAME: &'static str = "VectorizeIndexImpl";

    /// Takes the binding whatever its class is: that of an emulated index is `Fetcher`.
    fn get(binding: JsValue) -> worker::Result<Self> {
        Ok(binding.unchecked_into())
    }
}

impl Vectorize {
    /// How many dimensions the index has, and the last write that it has applied.
    ///
    /// ```no_run
    /// # use vectorize_worker::vectorize::{Error, Mutation, Vectorize};
    /// /// Whether a search sees this write, when no later one was made.
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

    /// Stores vectors. A vector with the same id is replaced, with its values, namespace and
    /// metadata.
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
    /// When the index refuses. Then it stores none of the vectors. Reasons are wrong dimensions
    /// (40012), ids (40008) or namespaces (40009) too long, too much metadata (40016) or keys that
    /// it cannot have (40018), numbers that are not finite (40023), more than
    /// [`WRITE_VECTORS_MAX`](super::limits::WRITE_VECTORS_MAX), too many requests (40041).
    pub async fn upsert(&self, vectors: &[Vector]) -> Result<Mutation, Error> {
        settle(self.js_upsert(to_js(vectors)?)).await
    }

    /// The vectors with these ids. An id without a vector is left out.
    ///
    /// # Errors
    /// When the index refuses: more than [`GET_IDS_MAX`](super::limits::GET_IDS_MAX) ids (40007),
    /// ids too long (40008), too many requests (40041).
    pub async fn get_by_ids(&self, ids: &[String]) -> Result<Vec<Vector>, Error> {
        settle(self.js_get_by_ids(to_js(ids)?)).await
    }

    /// Deletes the vectors with these ids. An id without a vector is no error. Searches may find
    /// the vectors until the write is applied.
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

/// Waits for a method and reads its result. Over RPC a method returns something that can be awaited
/// but is not a `Promise`; `Promise.resolve` makes it one.
async fn settle<T: DeserializeOwned>(returned: Result<JsValue, JsValue>) -> Result<T, Error> {
    let returned = returned.map_err(|thrown| Error::from_js(&thrown))?;
    let value = JsFuture::from(Promise::resolve(&returned)).await;
    let value = value.map_err(|thrown| Error::from_js(&thrown))?;
    let json = JSON::stringify(&value).map_err(|thrown| Error::from_js(&thrown))?;
    // Not `String::from`, which panics when there is no text. JSON has none for `undefined`.
    let json = JsValue::from(json).as_string();
    let json = json.ok_or_else(|| Error::Unreadable("the answer is no JSON".to_owned()))?;
    read(&json)
}

/// A value as a plain JavaScript value. It crosses into JavaScript once, as text; built there in
/// pieces, it would cross once for each number.
fn to_js<T: Serialize + ?Sized>(value: &T) -> Result<JsValue, Error> {
    let json =
        serde_json::to_string(value).map_err(|error| Error::Unreadable(error.to_string()))?;
    JSON::parse(&json).map_err(|thrown| Error::from_js(&thrown))
}

/// Reads an answer. An error of serde may quote the answer, so ours only names the place.
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
