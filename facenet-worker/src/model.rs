//! The client's side of the two Durable Objects: a face in, an embedding out.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use facenet::{Embedding, Face, Shard};
use wire::{Kind, Problem, http};
use worker::js_sys::{ArrayBuffer, Float32Array, Math, Uint8Array};
use worker::wasm_bindgen::{JsCast as _, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::{
    Date, Delay, Env, Headers, Method, Request, RequestInit, Response, Result, console_error,
    console_warn,
};

use crate::bindings;
use crate::figures::{self, Figures};
use crate::placement::{self, Continent, Seat};
use crate::retry::{self, Flags};
use crate::room::Place;

/// Tells the first shard where the caller is, so that it calls the second one there.
pub(crate) const CONTINENT_HEADER: &str = "x-cface-continent";

/// Marks the answer of an object that has too much to do.
pub(crate) const FULL_HEADER: &str = "x-cface-full";

/// The embedding of a face.
///
/// # Errors
/// When the model is not available.
pub(crate) async fn embed(
    env: &Env,
    continent: Continent,
    face: &Face,
) -> Result<Embedding, Problem> {
    let pixels = Uint8Array::from(face.rgb()).into();
    let numbers = call(env, Shard::Shard1, continent, pixels).await?;
    Embedding::normalise(floats(&numbers)).map_err(|error| {
        console_error!("the model gave no embedding: {error}");
        Problem::internal()
    })
}

/// Passes the boundary tensor to the second shard, and gives its 512 numbers as [`bytes`].
///
/// # Errors
/// When the second shard is not available.
pub(crate) async fn call_shard2(
    env: &Env,
    continent: Continent,
    boundary: &[f32],
) -> Result<Vec<u8>, Problem> {
    call(env, Shard::Shard2, continent, Float32Array::from(boundary).into()).await
}

/// The boundary tensor that the first shard has sent. An incomplete number at the end is dropped;
/// whoever takes the numbers checks how many there are.
///
/// # Errors
/// When the request breaks off.
pub(crate) async fn boundary(request: &Request) -> Result<Vec<f32>> {
    let body = JsFuture::from(request.inner().array_buffer()?).await?;
    let body: ArrayBuffer = body.unchecked_into();
    let length = body.byte_length() / 4;
    Ok(Float32Array::new_with_byte_offset_and_length(&body, 0, length).to_vec())
}

/// What an object has said.
struct Answer {
    full: bool,
    outcome: Result<Vec<u8>, Problem>,
}

/// Calls an object of the shard, and another or the same one anew where that may help.
async fn call(
    env: &Env,
    part: Shard,
    continent: Continent,
    input: JsValue,
) -> Result<Vec<u8>, Problem> {
    let replicas = env.var(bindings::REPLICAS).ok().map(|value| value.to_string());
    let replicas = placement::replicas(replicas.as_deref());
    let mut attempt = 0;
    loop {
        attempt += 1;
        let (replica, place) = sit_down(part, continent, replicas).ok_or_else(overloaded)?;
        let outcome = call_once(env, part, continent, replica, input.clone()).await;
        drop(place);
        let last = attempt == retry::ATTEMPTS_MAX;
        match outcome {
            Ok(answer) if answer.full => {
                note(part, continent, replica, Seat::overloaded);
                // Another replica may have room: sitting down tells.
                if last || replicas == 1 {
                    return answer.outcome;
                }
            }
            Ok(answer) => {
                let waiting = figures::last(part).map_or(0, |figures| figures.waiting);
                note(part, continent, replica, |seat, now_ms| seat.answered(waiting, now_ms));
                return answer.outcome;
            }
            Err(error) => {
                let flags = Flags::of(&error);
                console_warn!("{} does not answer ({flags:?}): {error}", part.name());
                if flags.overloaded {
                    note(part, continent, replica, Seat::overloaded);
                    return Err(overloaded());
                }
                if last || !flags.again() {
                    return Err(unavailable());
                }
                let wait_ms = retry::backoff_ms(attempt, Math::random());
                Delay::from(Duration::from_millis(wait_ms)).await;
            }
        }
    }
}

/// One call, with a stub and a request of its own: a stub that has failed stays broken, and a
/// request's body can be sent once.
async fn call_once(
    env: &Env,
    part: Shard,
    continent: Continent,
    replica: usize,
    input: JsValue,
) -> Result<Answer> {
    let headers = Headers::new();
    headers.set(CONTINENT_HEADER, continent.code)?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_headers(headers).with_body(Some(input));
    // The host is a formality: a stub's request goes to its object, whatever the URL.
    let request = Request::new_with_init("http://facenet/run", &init)?;
    let namespace = match part {
        Shard::Shard1 => bindings::FACENET_SHARD1,
        Shard::Shard2 => bindings::FACENET_SHARD2,
    };
    let stub = env
        .durable_object(namespace)?
        .get_by_name_with_location_hint(&continent.object(replica), continent.location_hint)?;
    let response = stub.fetch_with_request(request).await?;
    remember_figures(&response);
    let full = response.headers().has(FULL_HEADER)?;
    let body = http::body_of(&response).await?;
    if response.status_code() == 200 {
        return Ok(Answer { full, outcome: Ok(body) });
    }
    let problem = http::problem_of(&response, &body).unwrap_or_else(|| {
        console_error!("a shard answered {}", response.status_code());
        unavailable()
    });
    Ok(Answer { full, outcome: Err(problem) })
}

/// The first shard's answers also have the second's figures.
fn remember_figures(response: &Response) {
    for part in Shard::ALL {
        let text = response.headers().get(Figures::header(part)).ok().flatten();
        if let Some(figures) = text.and_then(|text| serde_json::from_str(&text).ok()) {
            figures::heard(part, figures);
        }
    }
}

/// What this isolate knows about the replicas of each shard on each continent.
type Seats = BTreeMap<(&'static str, &'static str), Vec<Seat>>;

thread_local! {
    static SEATS: RefCell<Seats> = const { RefCell::new(BTreeMap::new()) };
}

/// Looks at or changes the replicas. The borrow ends with the closure, which cannot await.
fn with_seats<T>(
    part: Shard,
    continent: Continent,
    use_seats: impl FnOnce(&mut Vec<Seat>) -> T,
) -> T {
    SEATS
        .with_borrow_mut(|seats| use_seats(seats.entry((part.name(), continent.code)).or_default()))
}

/// Chooses a replica, and counts the call until the place is dropped.
fn sit_down(part: Shard, continent: Continent, replicas: usize) -> Option<(usize, Place)> {
    let now_ms = Date::now().as_millis();
    with_seats(part, continent, |seats| {
        seats.resize_with(replicas, Seat::default);
        let replica = placement::pick(seats, now_ms)?;
        let place = seats.get(replica)?.calls.enter(usize::MAX, now_ms)?;
        Some((replica, place))
    })
}

/// Notes something about a replica.
fn note(part: Shard, continent: Continent, replica: usize, what: impl FnOnce(&mut Seat, u64)) {
    let now_ms = Date::now().as_millis();
    with_seats(part, continent, |seats| {
        if let Some(seat) = seats.get_mut(replica) {
            what(seat, now_ms);
        }
    });
}

fn unavailable() -> Problem {
    Problem::try_again(Kind::ModelUnavailable, "The model does not answer.")
}

/// More is asked for than can be computed.
pub(crate) fn overloaded() -> Problem {
    let detail =
        "Too many pictures are being computed. Wait as `Retry-After` says, then try again.";
    Problem { retry_after: Some(5), ..Problem::new(Kind::Unavailable, detail) }
}

/// An object's answer: numbers, or a problem, and in any case the isolates' figures.
///
/// # Errors
/// When the runtime refuses to make a response.
pub(crate) fn response(
    outcome: Result<Vec<u8>, Problem>,
    part: Shard,
    figures: Figures,
) -> Result<Response> {
    figures::heard(part, figures);
    let response = match outcome {
        Ok(numbers) => Response::from_bytes(numbers)?,
        Err(problem) => problem.into_response()?,
    };
    for part in Shard::ALL {
        if let Some(figures) = figures::last(part) {
            response.headers().set(Figures::header(part), &serde_json::to_string(&figures)?)?;
        }
    }
    Ok(response)
}

/// Numbers as objects answer them: 32-bit floats, little-endian.
pub(crate) fn bytes(numbers: &[f32]) -> Vec<u8> {
    let mut bytes = vec![0; size_of_val(numbers)];
    for (word, number) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(numbers) {
        *word = number.to_le_bytes();
    }
    bytes
}

/// The inverse of [`bytes`]. An incomplete number at the end is dropped; whoever takes the
/// numbers checks how many there are.
pub(crate) fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word)).collect()
}
