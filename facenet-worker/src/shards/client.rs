//! Calls the Durable Objects: chooses a replica, and calls again where that may help. Computing
//! changes nothing, so any call may be repeated. It also wakes objects before they are needed.

use std::time::Duration;

use facenet::record::Weights;
use facenet::{Embedding, Face, Shard};
use serde::Serialize;
use wire::Problem;
use wire::log::{self, Level, Worker};
use worker::js_sys::{ArrayBuffer, Math, Reflect};
use worker::wasm_bindgen::{JsCast as _, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::worker_sys::DurableObject;
use worker::{Delay, Env, Error, Headers, Result, Stub, web_sys};

use super::codec::{self, Answer, Source};
use super::replicas::{self, Replica};
use super::served;
use super::statistics::{self, Statistics};
use crate::{bindings, error};

/// Calls of an object for one request, the first one included.
const ATTEMPTS_MAX: u32 = 3;

/// The longest wait before the second call. It doubles with each further one.
const BACKOFF_MS: f64 = 100.0;

/// The embedding of a face by the weights that are served, computed by the shards nearest to the
/// caller.
///
/// # Errors
/// When the model is not available or overloaded, and when the caller has too many requests under
/// way.
pub(crate) async fn embed(env: &Env, source: Source, face: &Face) -> Result<Embedding, Problem> {
    let weights = served::weights(env)?;
    let numbers = call(env, Shard::Shard1, source, &weights, &codec::encode_face(face)).await?;
    Embedding::normalise(codec::decode_numbers(&numbers))
        .map_err(|error| error::internal(format_args!("the model gave no embedding: {error}")))
}

/// Sends the encoded boundary tensor to the second shard, which computes with the other record of
/// the same weights, and gives its 512 encoded numbers.
///
/// # Errors
/// When the second shard is not available or overloaded.
pub(super) async fn call_shard2(
    env: &Env,
    source: Source,
    weights: &Weights,
    boundary: &ArrayBuffer,
) -> Result<ArrayBuffer, Problem> {
    call(env, Shard::Shard2, source, weights, boundary).await
}

/// Lets the object that the next caller would get load its weights, and waits until it has. Whether
/// that fails does not matter: the next request loads them, and its caller is told what is wrong.
pub(super) async fn wake(env: &Env, shard: Shard, source: Source, weights: &Weights) {
    let answer = async {
        let Some(replica) = replicas::choose(shard, source.region, replicas_count(env)) else {
            return Ok(());
        };
        let request = codec::wake_request(source, weights)?;
        let stub = stub(env, &replica, weights)?;
        // Requests that come meanwhile should choose this replica.
        drop(replica);
        let response = stub.fetch_with_request(request).await?;
        statistics::keep_from(response.headers());
        Ok::<_, Error>(())
    };
    if let Err(failure) = answer.await {
        let lost = Lost::of(shard, 1, failure.to_string());
        log::event(Level::Warn, Worker::Public, "not woken", &lost);
    }
}

fn replicas_count(env: &Env) -> usize {
    let replicas = env.var(bindings::REPLICAS).ok().map(|value| value.to_string());
    replicas::count(replicas.as_deref())
}

/// Calls an object of the shard; if that fails, calls the same or another one again.
async fn call(
    env: &Env,
    shard: Shard,
    source: Source,
    weights: &Weights,
    body: &ArrayBuffer,
) -> Result<ArrayBuffer, Problem> {
    let replicas_count = replicas_count(env);
    let mut attempt = 0;
    loop {
        attempt += 1;
        let last = attempt == ATTEMPTS_MAX;
        let replica =
            replicas::choose(shard, source.region, replicas_count).ok_or_else(error::overloaded)?;
        match call_once(env, source, weights, &replica, body).await {
            Ok(answer) if answer.overloaded => {
                replica.note_overload();
                // The next choice falls on another replica, if there is one.
                if last || replicas_count == 1 {
                    return answer.outcome;
                }
            }
            Ok(answer) => {
                replica.note_answer(Statistics::last(shard).map_or(0, |last| last.waiting));
                return answer.outcome;
            }
            Err(failure) => {
                let flags = Flags::of(&failure);
                let what = format!("it does not answer ({flags:?}): {failure}");
                log::event(Level::Warn, Worker::Public, "object", &Lost::of(shard, attempt, what));
                if flags.overloaded {
                    replica.note_overload();
                    return Err(error::overloaded());
                }
                if last || !flags.again() {
                    return Err(error::model_unavailable(format_args!(
                        "{} is given up after {attempt} calls",
                        shard.name()
                    )));
                }
                drop(replica);
                let wait_ms = backoff_ms(attempt, Math::random());
                Delay::from(Duration::from_millis(wait_ms)).await;
            }
        }
    }
}

/// Calls once, with a new stub and a new request: a stub that has failed once always fails, and the
/// body of a request can be sent only once.
async fn call_once(
    env: &Env,
    source: Source,
    weights: &Weights,
    replica: &Replica,
    body: &ArrayBuffer,
) -> Result<Answer> {
    let request = codec::request(source, weights, body)?;
    // The runtime's own response. That of `worker` takes the body out of it as a stream, which
    // another response has to be made of to read it at once.
    let object: DurableObject = stub(env, replica, weights)?.into_rpc();
    let response = JsFuture::from(object.fetch_with_request(request.inner())?).await?;
    let response: web_sys::Response = response.dyn_into()?;
    statistics::keep_from(&Headers(response.headers()));
    Answer::read(&response, weights).await
}

fn stub(env: &Env, replica: &Replica, weights: &Weights) -> Result<Stub> {
    let namespace = match replica.shard() {
        Shard::Shard1 => bindings::FACENET_SHARD1,
        Shard::Shard2 => bindings::FACENET_SHARD2,
    };
    let (name, hint) = (replica.object_name(weights), replica.location_hint());
    env.durable_object(namespace)?.get_by_name_with_location_hint(&name, hint)
}

/// A call of an object that failed, for the log.
#[derive(Serialize)]
struct Lost {
    shard: &'static str,
    attempt: u32,
    faults: [String; 1],
}

impl Lost {
    fn of(shard: Shard, attempt: u32, what: String) -> Self {
        Self { shard: shard.name(), attempt, faults: [what] }
    }
}

/// What the platform says about a failed call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Flags {
    /// Set for lost connections.
    retryable: bool,
    /// Set when the object is overloaded: more calls make that worse.
    overloaded: bool,
    /// Set when the object was reset while it worked, as by every deployment.
    reset: bool,
}

impl Flags {
    /// The flags of an error. Errors that are not the platform's have none.
    fn of(error: &Error) -> Self {
        let Error::UnknownJsError { original, .. } = error else { return Self::default() };
        let flag = |name: &str| {
            Reflect::get(original, &JsValue::from_str(name)).is_ok_and(|value| value.is_truthy())
        };
        Self {
            retryable: flag("retryable"),
            overloaded: flag("overloaded"),
            reset: flag("durableObjectReset"),
        }
    }

    /// Whether another call may succeed.
    const fn again(self) -> bool {
        (self.retryable || self.reset) && !self.overloaded
    }
}

/// How long to wait after `attempt` calls have failed. `random` is from 0 to 1: requests that
/// failed together should not come back together.
fn backoff_ms(attempt: u32, random: f64) -> u64 {
    let longest_ms = BACKOFF_MS * f64::from(1u32 << attempt.saturating_sub(1).min(8));
    (longest_ms * (0.5 + random.clamp(0.0, 1.0) / 2.0)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overloaded_object_is_never_called_again() {
        let none = Flags::default();
        assert!(!none.again());
        assert!(Flags { retryable: true, ..none }.again());
        assert!(Flags { reset: true, ..none }.again());
        assert!(!Flags { retryable: true, overloaded: true, reset: true }.again());
        assert!(!Flags { overloaded: true, ..none }.again());
    }

    #[test]
    fn waits_grow_and_differ() {
        assert_eq!((backoff_ms(1, 0.0), backoff_ms(1, 1.0)), (50, 100));
        assert_eq!((backoff_ms(2, 0.0), backoff_ms(2, 1.0)), (100, 200));
        assert_eq!(backoff_ms(3, 0.5), 300);
        assert!(backoff_ms(u32::MAX, f64::NAN) <= 25_600);
    }
}
