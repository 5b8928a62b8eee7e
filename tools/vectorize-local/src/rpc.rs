//! The client side of the binding: the methods that callers reach over RPC. In production this
//! is code inside workerd; it checks one option, turns calls into HTTP requests to the index,
//! and turns refusals into JavaScript errors. So does this.

use js_sys::{Array, Error as JsError, JSON, Object, Reflect, TypeError};
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;
use worker::{Env, Headers, Request, RequestInit, Response, Result};

use crate::{fault::Fault, method::Method, object};

#[wasm_bindgen(module = "cloudflare:workers")]
extern "C" {
    // A function exported for RPC is handed no environment.
    #[wasm_bindgen(thread_local_v2, js_name = env)]
    static ENV: Env;
}

type JsResult = std::result::Result<JsValue, JsValue>;

/// Describes the index: dimensions, vectors held, last write applied.
///
/// # Errors
/// A JavaScript error with the text of Vectorize.
#[wasm_bindgen]
pub async fn describe() -> JsResult {
    call(Method::Describe, None).await
}

/// The vectors nearest to one that is given.
///
/// # Errors
/// As [`describe`].
#[wasm_bindgen]
pub async fn query(vector: JsValue, options: JsValue) -> JsResult {
    search(Method::Query, &plain_numbers(vector), &options).await
}

/// The vectors nearest to one that is stored.
///
/// # Errors
/// As [`describe`].
#[wasm_bindgen(js_name = queryById)]
pub async fn query_by_id(id: JsValue, options: JsValue) -> JsResult {
    search(Method::QueryById, &id, &options).await
}

/// Stores vectors whose ids are new.
///
/// # Errors
/// As [`describe`].
#[wasm_bindgen]
pub async fn insert(vectors: JsValue) -> JsResult {
    write(Method::Insert, &vectors).await
}

/// Stores vectors, in place of those with the same ids.
///
/// # Errors
/// As [`describe`].
#[wasm_bindgen]
pub async fn upsert(vectors: JsValue) -> JsResult {
    write(Method::Upsert, &vectors).await
}

/// Reads vectors.
///
/// # Errors
/// As [`describe`].
#[wasm_bindgen(js_name = getByIds)]
pub async fn get_by_ids(ids: JsValue) -> JsResult {
    let body = object_of("ids", &ids)?;
    call(Method::GetByIds, Some(&body)).await
}

/// Removes vectors.
///
/// # Errors
/// As [`describe`].
#[wasm_bindgen(js_name = deleteByIds)]
pub async fn delete_by_ids(ids: JsValue) -> JsResult {
    let body = object_of("ids", &ids)?;
    call(Method::DeleteByIds, Some(&body)).await
}

async fn search(method: Method, target: &JsValue, options: &JsValue) -> JsResult {
    let body = Object::new();
    if options.is_object() {
        Object::assign(&body, options.unchecked_ref());
    }
    let name = JsValue::from("returnMetadata");
    let metadata = Reflect::get(&body, &name)?;
    // As in workerd, what is falsy passes here, and `false` is then refused by the index.
    if metadata.is_truthy() {
        if metadata == JsValue::TRUE {
            Reflect::set(&body, &name, &"all".into())?;
        } else if !matches!(metadata.as_string().as_deref(), Some("all" | "indexed" | "none")) {
            let got = metadata.as_string().or_else(|| JSON::stringify(&metadata).ok()?.as_string());
            return Err(JsError::new(&format!(
                "Invalid returnMetadata option. Expected: true, false, \"none\", \"indexed\" or \
                 \"all\"; got: {}",
                got.unwrap_or_default()
            ))
            .into());
        }
    }
    let key = if method == Method::QueryById { "vectorId" } else { "vector" };
    Reflect::set(&body, &key.into(), target)?;
    call(method, Some(&body)).await
}

async fn write(method: Method, vectors: &JsValue) -> JsResult {
    // Without this check a value that cannot be iterated would throw across Rust, and hang.
    let Some(vectors) = vectors.dyn_ref::<Array>() else {
        return Err(TypeError::new("vectors is not an array").into());
    };
    let plain = Array::new();
    for vector in vectors.iter() {
        let copy = Object::assign(&Object::new(), vector.unchecked_ref());
        let values = plain_numbers(Reflect::get(&copy, &"values".into())?);
        Reflect::set(&copy, &"values".into(), &values)?;
        plain.push(&copy);
    }
    let body = object_of("vectors", &plain)?;
    call(method, Some(&body)).await
}

/// Typed arrays as plain ones: JSON would make objects of them.
fn plain_numbers(values: JsValue) -> JsValue {
    if js_sys::ArrayBuffer::is_view(&values) { Array::from(&values).into() } else { values }
}

fn object_of(key: &str, value: &JsValue) -> std::result::Result<Object, JsValue> {
    let object = Object::new();
    Reflect::set(&object, &key.into(), value)?;
    Ok(object)
}

/// Sends a request to the index. What JSON cannot hold becomes what `JSON.stringify` makes of
/// it, as with the real binding: not-a-number becomes null, a `Map` becomes empty.
async fn call(method: Method, body: Option<&Object>) -> JsResult {
    let mut init = RequestInit::new();
    if let Some(body) = body {
        let headers = Headers::new();
        headers.set("content-type", "application/json")?;
        init.with_method(worker::Method::Post)
            .with_headers(headers)
            .with_body(Some(JSON::stringify(body)?.into()));
    }
    let req = Request::new_with_init(&format!("http://vector-search/{}", method.path()), &init)?;
    let stub = ENV.with(object::stub)?;
    let mut response = stub.fetch_with_request(req).await?;
    if response.status_code() == 200 {
        return JSON::parse(&response.text().await?);
    }
    let operation = method.operation();
    let text = match parse::<Fault>(&mut response).await {
        Ok(Fault { code: Some(code), error }) => {
            format!("{operation}_ERROR (code = {code}): {error}")
        }
        Ok(Fault { code: None, error }) => format!("{operation}_ERROR: {error}"),
        Err(_) => format!("{operation}_ERROR: Status + {}", response.status_code()),
    };
    Err(JsError::new(&text).into())
}

async fn parse<T: DeserializeOwned>(response: &mut Response) -> Result<T> {
    Ok(serde_json::from_str(&response.text().await?)?)
}
