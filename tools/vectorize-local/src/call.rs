//! Calls of the binding for callers that are not Workers. `POST /call` with
//! `{"method": "query", "args": [[1, 2], {"topK": 3}]}` calls that method as any Worker does: over
//! RPC, through a service binding of this Worker to itself. The answer is `{"result": ..}`, or
//! `{"error": ..}` with the text of the JavaScript error.

use js_sys::{Array, Error as JsError, Function, JSON, Promise, Reflect};
use serde::Deserialize;
use serde_json::{Value, json};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::{Env, Request, Response, Result};

use crate::method::Method;

/// The path.
pub(crate) const PATH: &str = "/call";

/// The service binding to this Worker.
const BINDING: &str = "SELF";

#[derive(Deserialize)]
struct Call {
    method: Method,
    #[serde(default)]
    args: Vec<Value>,
}

/// Makes the call and answers with its outcome.
pub(crate) async fn answer(mut request: Request, env: &Env) -> Result<Response> {
    let call: Call = match serde_json::from_slice(&request.bytes().await?) {
        Ok(call) => call,
        Err(error) => {
            let answer = json!({ "error": format!("not a call: {error}") });
            return Ok(Response::from_json(&answer)?.with_status(400));
        }
    };
    match make(env, call).await {
        Ok(result) => Response::from_json(&json!({ "result": result })),
        Err(thrown) => Response::from_json(&json!({ "error": text(&thrown) })),
    }
}

async fn make(env: &Env, call: Call) -> std::result::Result<Value, JsValue> {
    let binding = Reflect::get(env, &BINDING.into())?;
    let method: Function = Reflect::get(&binding, &call.method.name().into())?.unchecked_into();
    let args = Value::Array(call.args).to_string();
    let args: Array = JSON::parse(&args)?.unchecked_into();
    let returned = Reflect::apply(&method, &binding, &args)?;
    let result = JsFuture::from(Promise::resolve(&returned)).await?;
    // Not `String::from`, which panics on `undefined`.
    let text = JsValue::from(JSON::stringify(&result)?).as_string().unwrap_or_default();
    serde_json::from_str(&text).map_err(|error| JsError::new(&error.to_string()).into())
}

fn text(thrown: &JsValue) -> String {
    match thrown.dyn_ref::<JsError>() {
        Some(error) => error.message().into(),
        None => format!("{thrown:?}"),
    }
}
