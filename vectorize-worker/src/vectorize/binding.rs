//! The binding itself: JavaScript methods, and their Rust faces.

use js_sys::{JSON, Promise};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::EnvBinding;

use super::{Error, IndexInfo, Matches, Mutation, QueryOptions, Vector};

#[wasm_bindgen]
extern "C" {
    /// A Vectorize index. Get it from the environment:
    /// `env.get_binding::<Vectorize>("VECTORIZE")`.
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
    /// The state of the index.
    ///
    /// # Errors
    /// When the index does not answer.
    pub async fn describe(&self) -> Result<IndexInfo, Error> {
        settle(self.js_describe()).await
    }

    /// The stored vectors nearest to `vector`.
    ///
    /// # Errors
    /// When the index refuses: wrong dimensions, `top_k` too large, too many requests.
    pub async fn query(&self, vector: &[f32], options: &QueryOptions) -> Result<Matches, Error> {
        settle(self.js_query(to_js(vector)?, to_js(options)?)).await
    }

    /// The stored vectors nearest to the one stored under `id`.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub async fn query_by_id(&self, id: &str, options: &QueryOptions) -> Result<Matches, Error> {
        settle(self.js_query_by_id(id, to_js(options)?)).await
    }

    /// Stores vectors whose ids are new, and leaves those alone that exist.
    ///
    /// # Errors
    /// When the index refuses: wrong dimensions, ids too long, more than
    /// [`WRITE_VECTORS_MAX`](super::limits::WRITE_VECTORS_MAX), too many requests.
    pub async fn insert(&self, vectors: &[Vector]) -> Result<Mutation, Error> {
        settle(self.js_insert(to_js(vectors)?)).await
    }

    /// Stores vectors, values and metadata, in place of those with the same ids.
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub async fn upsert(&self, vectors: &[Vector]) -> Result<Mutation, Error> {
        settle(self.js_upsert(to_js(vectors)?)).await
    }

    /// Those of the vectors that exist.
    ///
    /// # Errors
    /// When the index refuses: more than [`GET_IDS_MAX`](super::limits::GET_IDS_MAX) ids.
    pub async fn get_by_ids(&self, ids: &[String]) -> Result<Vec<Vector>, Error> {
        settle(self.js_get_by_ids(to_js(ids)?)).await
    }

    /// Removes those of the vectors that exist.
    ///
    /// # Errors
    /// When the index refuses: more than [`DELETE_IDS_MAX`](super::limits::DELETE_IDS_MAX) ids,
    /// too many requests.
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
    serde_json::from_str(&String::from(json)).map_err(|error| Error::Unreadable(error.to_string()))
}

/// As a plain JavaScript value. Through text, which crosses the border once, where building
/// the value would cross it for every number.
fn to_js<T: Serialize + ?Sized>(value: &T) -> Result<JsValue, Error> {
    let json =
        serde_json::to_string(value).map_err(|error| Error::Unreadable(error.to_string()))?;
    JSON::parse(&json).map_err(|thrown| Error::from_js(&thrown))
}
