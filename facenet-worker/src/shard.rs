//! The two Durable Objects, each with one half of the network.
//!
//! ```text
//! cface --[160x160x3 bytes]--> FaceNetShard1 --[896x8x8 f32]--> FaceNetShard2 --[512 f32]--> back
//! ```
//!
//! A half belongs to the isolate, not to the object: an object that is evicted frees nothing,
//! and one isolate may host several objects, which must not load the same weights twice. So does
//! the room in which requests wait, which bounds each object's as well.
//!
//! Requests interleave at every await. What they share is borrowed inside closures only, which
//! cannot await; Clippy refuses a borrow that lives across one (`await_holding_refcell_ref`).

#![expect(missing_docs, reason = "the attribute macro adds methods without")]

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use facenet::record::RecordError;
use facenet::{Face, Shard};
use futures_util::StreamExt as _;
use wire::limits::WAITING_MAX;
use wire::{Kind, Problem};
use worker::{
    Date, Delay, DurableObject, Env, Request, Response, Result, State, console_error, console_log,
    durable_object,
};

use crate::engine::{LoadedShard, Loader};
use crate::figures::{self, Figures};
use crate::placement::Continent;
use crate::room::{Place, Room};
use crate::slot::{Next, Slot};
use crate::{bindings, model};

/// How often a request looks whether another one has finished loading.
const POLL: Duration = Duration::from_millis(20);

/// How many requests of a half are at work, waiting for the other half included, while the
/// others wait for their turn. One computes at a time, but the other half should not wait.
const AT_WORK_MAX: usize = 4;

/// How long a request waits for another one to finish loading.
const WAIT_MS_MAX: u64 = 40_000;

/// The first half: pixels in, passed on to the second half.
#[durable_object(fetch)]
pub struct FaceNetShard1 {
    env: Env,
}

impl DurableObject for FaceNetShard1 {
    fn new(_state: State, env: Env) -> Self {
        count_object(Shard::Shard1);
        Self { env }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let Some(place) = enter(Shard::Shard1) else { return full(Shard::Shard1) };
        let continent = request.headers().get(model::CONTINENT_HEADER)?;
        let continent = Continent::of(continent.as_deref());
        let outcome = match ready(&self.env, Shard::Shard1, &place).await {
            Ok(shard) => match half_way(&shard, request.bytes().await?) {
                Ok(boundary) => model::call_shard2(&self.env, continent, &boundary).await,
                Err(problem) => Err(problem),
            },
            Err(problem) => Err(problem),
        };
        leave(place, Shard::Shard1, outcome)
    }
}

/// The second half: the boundary tensor in, the embedding out, not normalised.
#[durable_object(fetch)]
pub struct FaceNetShard2 {
    env: Env,
}

impl DurableObject for FaceNetShard2 {
    fn new(_state: State, env: Env) -> Self {
        count_object(Shard::Shard2);
        Self { env }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let Some(place) = enter(Shard::Shard2) else { return full(Shard::Shard2) };
        let outcome = match ready(&self.env, Shard::Shard2, &place).await {
            Ok(shard) => {
                run(&shard, &model::boundary(&request).await?).map(|numbers| model::bytes(&numbers))
            }
            Err(problem) => Err(problem),
        };
        leave(place, Shard::Shard2, outcome)
    }
}

/// What the isolate has of one half.
struct Half {
    slot: RefCell<Slot<LoadedShard>>,
    room: Room,
    r2_reads: Cell<u32>,
    objects: Cell<u32>,
}

impl Half {
    fn new() -> Self {
        Self {
            slot: RefCell::new(Slot::Empty),
            room: Room::default(),
            r2_reads: Cell::new(0),
            objects: Cell::new(0),
        }
    }
}

thread_local! {
    static HALVES: [Half; 2] = [Half::new(), Half::new()];
}

/// Looks at or changes a half. The borrow ends with the closure, which cannot await.
fn with_half<T>(part: Shard, use_half: impl FnOnce(&Half) -> T) -> T {
    HALVES.with(|[shard1, shard2]| {
        use_half(match part {
            Shard::Shard1 => shard1,
            Shard::Shard2 => shard2,
        })
    })
}

fn with_slot<T>(part: Shard, use_slot: impl FnOnce(&mut Slot<LoadedShard>) -> T) -> T {
    with_half(part, |half| use_slot(&mut half.slot.borrow_mut()))
}

fn count_object(part: Shard) {
    with_half(part, |half| half.objects.set(half.objects.get() + 1));
}

fn enter(part: Shard) -> Option<Place> {
    let now_ms = Date::now().as_millis();
    with_half(part, |half| half.room.enter(WAITING_MAX, now_ms))
}

fn figures(part: Shard) -> Figures {
    let now_ms = Date::now().as_millis();
    with_half(part, |half| Figures {
        wasm_mb: figures::wasm_mb(),
        r2_reads: half.r2_reads.get(),
        objects: half.objects.get(),
        waiting: half.room.taken(now_ms),
    })
}

/// The answer of an object that has too much to do.
fn full(part: Shard) -> Result<Response> {
    let response = model::response(Err(model::overloaded()), part, figures(part))?;
    response.headers().set(model::FULL_HEADER, "1")?;
    Ok(response)
}

/// Answers, and gives the place back.
fn leave(place: Place, part: Shard, outcome: Result<Vec<u8>, Problem>) -> Result<Response> {
    let response = model::response(outcome, part, figures(part));
    drop(place);
    response
}

/// Waits until it is a request's turn. Its body stays unread until then, and so outside of the
/// isolate's WebAssembly memory, which would never shrink again after a burst.
async fn ready(env: &Env, part: Shard, place: &Place) -> Result<Rc<LoadedShard>, Problem> {
    while place.rank(Date::now().as_millis()) >= AT_WORK_MAX {
        Delay::from(POLL).await;
    }
    shard(env, part).await
}

/// Pixels to the boundary tensor.
fn half_way(shard: &LoadedShard, pixels: Vec<u8>) -> Result<Vec<f32>, Problem> {
    let face = Face::from_rgb(pixels);
    let face = face.ok_or_else(|| Problem::new(Kind::Internal, "Not a face."))?;
    run(shard, &face.input())
}

fn run(shard: &LoadedShard, input: &[f32]) -> Result<Vec<f32>, Problem> {
    shard.run(input).ok_or_else(|| {
        console_error!("a shard was given an input of the wrong size");
        Problem::internal()
    })
}

/// The half, loaded by whoever comes first. The others wait with timers of their own: a request
/// must not await a promise that belongs to another one.
async fn shard(env: &Env, part: Shard) -> Result<Rc<LoadedShard>, Problem> {
    let since_ms = Date::now().as_millis();
    loop {
        let now_ms = Date::now().as_millis();
        match with_slot(part, |slot| slot.next(now_ms)) {
            Next::Use(shard) => return Ok(shard),
            Next::Refuse(problem) => return Err(problem),
            Next::Wait if now_ms.saturating_sub(since_ms) > WAIT_MS_MAX => {
                let what = "The model takes too long to load.";
                return Err(Problem::try_again(Kind::ModelUnavailable, what));
            }
            Next::Wait => Delay::from(POLL).await,
            Next::Load => break,
        }
    }
    let outcome = load(env, part).await.map(Rc::new).map_err(|error| error.problem(env, part));
    let now_ms = Date::now().as_millis();
    with_slot(part, |slot| slot.fill(outcome.clone(), now_ms));
    outcome
}

/// Why a half cannot be loaded.
enum LoadError {
    Missing,
    Record(RecordError),
    Platform(worker::Error),
}

impl From<RecordError> for LoadError {
    fn from(error: RecordError) -> Self {
        Self::Record(error)
    }
}

impl From<worker::Error> for LoadError {
    fn from(error: worker::Error) -> Self {
        Self::Platform(error)
    }
}

impl LoadError {
    /// The details go to the log; what the operator has to do is no secret.
    fn problem(self, env: &Env, part: Shard) -> Problem {
        let file = part.file();
        let model = env.var(bindings::MODEL).map(|model| model.to_string()).unwrap_or_default();
        match self {
            Self::Missing => {
                console_error!("{file} is not in the bucket");
                missing(part, &model)
            }
            Self::Record(error) => {
                console_error!("{file} does not load: {error}");
                let what = format!("{file} in the models bucket is not the record of {model}.");
                Problem::new(Kind::ModelUnavailable, format!("{what} {}", cure(part, &model)))
            }
            Self::Platform(error) => {
                console_error!("{file} cannot be read: {error}");
                Problem::try_again(Kind::ModelUnavailable, "The model could not be loaded.")
            }
        }
    }
}

/// A shard is not in the bucket.
pub(crate) fn missing(part: Shard, model: &str) -> Problem {
    let what = format!("{} is not in the models bucket.", part.file());
    Problem::new(Kind::ModelUnavailable, format!("{what} {}", cure(part, model)))
}

/// What the operator has to do about a shard in the bucket.
fn cure(part: Shard, model: &str) -> String {
    let file = part.file();
    format!(
        "The operator has to make it by `cargo xtask weights --model {model}` and to upload it, by \
         `cargo xtask deploy --model {model}` or `wrangler r2 object put models/{file} --file \
         .cface/weights/{model}/{file}`; no restart is needed."
    )
}

/// Streams a half from R2 into its engine.
async fn load(env: &Env, part: Shard) -> Result<LoadedShard, LoadError> {
    let model = env.var(bindings::MODEL)?.to_string();
    let bucket = env.bucket(bindings::MODELS)?;
    with_half(part, |half| half.r2_reads.set(half.r2_reads.get() + 1));
    let object = bucket.get(part.file()).execute().await?.ok_or(LoadError::Missing)?;
    let length = usize::try_from(object.size()).unwrap_or(usize::MAX);
    let mut stream = object.body().ok_or(LoadError::Missing)?.stream()?;
    let mut loader = Loader::new(part, &model, length)?;
    while let Some(chunk) = stream.next().await {
        loader.push(&chunk?)?;
    }
    let shard = loader.finish()?;
    console_log!("loaded {} of {model}, {length} bytes", part.name());
    Ok(shard)
}
