//! The client side of the binding: the methods that callers reach over RPC. In production this
//! is code inside workerd, which checks one option, turns calls into HTTP requests to the index,
//! and turns refusals into JavaScript errors. So does this.

use js_sys::{Array, ArrayBuffer, Error as JsError, JSON, JsString, Object, Reflect, TypeError};
use wasm_bindgen::prelude::*;
use worker::{Env, Headers, Request, RequestInit, Response};

use crate::method::Method;
use crate::refusal::Refusal;
use crate::{object, protocol};

#[wasm_bindgen(module = "cloudflare:workers")]
extern "C" {
    // A function that is exported for RPC is not given its environment.
    #[wasm_bindgen(thread_local_v2, js_name = env)]
    static ENV: Env;
}

type JsResult<T = JsValue> = Result<T, JsValue>;

/// Describes the index: dimensions, vectors held, last write applied.
///
/// # Errors
/// A JavaScript error with the text of Vectorize.
#[wasm_bindgen]
pub async fn describe() -> JsResult {
    send(Method::Describe, &RequestInit::new()).await
}

/// The stored vectors nearest to `vector`.
///
/// # Errors
/// As of [`describe`].
#[wasm_bindgen]
pub async fn query(vector: JsValue, options: JsValue) -> JsResult {
    let body = Object::new();
    if options.is_object() {
        Object::assign(&body, options.unchecked_ref());
    }
    check_return_metadata(&body)?;
    Reflect::set(&body, &"vector".into(), &plain_numbers(vector))?;
    post_json(Method::Query, &body).await
}

/// Stores vectors, in place of those with the same ids.
///
/// # Errors
/// As of [`describe`].
#[wasm_bindgen]
pub async fn upsert(vectors: JsValue) -> JsResult {
    // Without this check a value that cannot be iterated would throw across Rust, and hang.
    let Some(vectors) = vectors.dyn_ref::<Array>() else {
        return Err(TypeError::new("vectors is not an array").into());
    };
    let lines = Array::new();
    for vector in vectors.iter() {
        let copy = Object::assign(&Object::new(), vector.unchecked_ref());
        let values = plain_numbers(Reflect::get(&copy, &"values".into())?);
        Reflect::set(&copy, &"values".into(), &values)?;
        lines.push(&JSON::stringify(&copy)?.into());
    }
    post(Method::Upsert, protocol::NDJSON, lines.join("\n")).await
}

/// Reads vectors.
///
/// # Errors
/// As of [`describe`].
#[wasm_bindgen(js_name = getByIds)]
pub async fn get_by_ids(ids: JsValue) -> JsResult {
    post_json(Method::GetByIds, &object_of_ids(&ids)?).await
}

/// Removes vectors.
///
/// # Errors
/// As of [`describe`].
#[wasm_bindgen(js_name = deleteByIds)]
pub async fn delete_by_ids(ids: JsValue) -> JsResult {
    post_json(Method::DeleteByIds, &object_of_ids(&ids)?).await
}

/// Checks the only option that the binding itself checks. As in workerd, what is falsy passes, and
/// the index then refuses `false`.
fn check_return_metadata(options: &Object) -> JsResult<()> {
    let name = JsValue::from("returnMetadata");
    let metadata = Reflect::get(options, &name)?;
    if metadata == JsValue::TRUE {
        Reflect::set(options, &name, &"all".into())?;
        return Ok(());
    }
    let known = matches!(metadata.as_string().as_deref(), Some("all" | "indexed" | "none"));
    if known || metadata.is_falsy() {
        return Ok(());
    }
    let got = metadata.as_string().or_else(|| JSON::stringify(&metadata).ok()?.as_string());
    let text = format!(
        "Invalid returnMetadata option. Expected: true, false, \"none\", \"indexed\" or \"all\"; \
         got: {}",
        got.unwrap_or_default()
    );
    Err(JsError::new(&text).into())
}

/// Makes plain arrays of typed ones: JSON would make objects of them.
fn plain_numbers(values: JsValue) -> JsValue {
    if ArrayBuffer::is_view(&values) { Array::from(&values).into() } else { values }
}

fn object_of_ids(ids: &JsValue) -> JsResult<Object> {
    let object = Object::new();
    Reflect::set(&object, &"ids".into(), ids)?;
    Ok(object)
}

/// What JSON cannot hold becomes what `JSON.stringify` makes of it, as with the real binding:
/// not-a-number becomes null, a `Map` becomes empty.
async fn post_json(method: Method, body: &Object) -> JsResult {
    post(method, "application/json", JSON::stringify(body)?).await
}

async fn post(method: Method, media_type: &str, body: JsString) -> JsResult {
    let headers = Headers::new();
    headers.set("content-type", media_type)?;
    let mut init = RequestInit::new();
    init.with_method(worker::Method::Post).with_headers(headers).with_body(Some(body.into()));
    send(method, &init).await
}

/// Sends a request to the index, and throws as the real binding does when it is refused.
async fn send(method: Method, init: &RequestInit) -> JsResult {
    let url = format!("http://vector-search/{}", method.path());
    let stub = ENV.with(object::stub)?;
    let mut response = stub.fetch_with_request(Request::new_with_init(&url, init)?).await?;
    if response.status_code() == 200 {
        return JSON::parse(&response.text().await?);
    }
    let operation = method.operation();
    let text = match refusal(&mut response).await {
        Some(Refusal { code: Some(code), error }) => {
            format!("{operation}_ERROR (code = {code}): {error}")
        }
        Some(Refusal { code: None, error }) => format!("{operation}_ERROR: {error}"),
        None => format!("{operation}_ERROR: Status + {}", response.status_code()),
    };
    Err(JsError::new(&text).into())
}

/// The refusal that a response holds, or nothing when its body is not one.
async fn refusal(response: &mut Response) -> Option<Refusal> {
    serde_json::from_str(&response.text().await.ok()?).ok()
}
