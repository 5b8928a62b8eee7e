//! The two Durable Objects, each with one half of the network.
//!
//! ```text
//! cface --[160x160x3 bytes]--> FaceNetShard1 --[896x8x8 f32]--> FaceNetShard2 --[512 f32]--> back
//! ```
//!
//! A half belongs to the isolate, not to the object: an object that is evicted frees nothing,
//! and one isolate may host several objects, which must not load the same weights twice.

#![expect(missing_docs, reason = "the attribute macro adds methods without")]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use facenet::record::RecordError;
use facenet::{Face, Part};
use futures_util::StreamExt as _;
use wire::{Kind, Problem};
use worker::{
    Date, Delay, DurableObject, Env, Request, Response, Result, State, console_error, console_log,
    durable_object,
};

use crate::bindings;
use crate::engine::{Loader, Shard};
use crate::model;
use crate::placement::Continent;

/// How often a request looks whether another one has finished loading.
const POLL: Duration = Duration::from_millis(20);

/// After this long a load counts as abandoned (its request was cancelled), and another request
/// may start anew.
const LOAD_MS_MAX: u64 = 30_000;

/// The first half: pixels in, passed on to the second half.
#[durable_object(fetch)]
pub struct FaceNetShard1 {
    env: Env,
}

impl DurableObject for FaceNetShard1 {
    fn new(_state: State, env: Env) -> Self {
        Self { env }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let continent = request.headers().get(model::CONTINENT_HEADER)?;
        let pixels = request.bytes().await?;
        let boundary = match Face::from_rgb(pixels) {
            Some(face) => run(&self.env, Part::Shard1, face.input()).await,
            None => Err(Problem::new(Kind::Internal, "Not a face.")),
        };
        match boundary {
            // What the second half says, be it an embedding or a problem, is the answer.
            Ok(boundary) => {
                model::call_shard2(&self.env, Continent::of(continent.as_deref()), &boundary).await
            }
            Err(problem) => problem.into_response(),
        }
    }
}

/// The second half: the boundary tensor in, the embedding out, not normalised.
#[durable_object(fetch)]
pub struct FaceNetShard2 {
    env: Env,
}

impl DurableObject for FaceNetShard2 {
    fn new(_state: State, env: Env) -> Self {
        Self { env }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let boundary = model::floats(&request.bytes().await?);
        match run(&self.env, Part::Shard2, boundary).await {
            Ok(embedding) => Response::from_bytes(model::bytes(&embedding)),
            Err(problem) => problem.into_response(),
        }
    }
}

async fn run(env: &Env, part: Part, input: Vec<f32>) -> Result<Vec<f32>, Problem> {
    let shard = shard(env, part).await?;
    shard.run(&input).ok_or_else(|| {
        console_error!("{} was given an input of the wrong size", part.name());
        Problem::new(Kind::Internal, "Try again; if it happens again, the fault is ours.")
    })
}

/// What the isolate has of one half.
enum Slot {
    Empty,
    Loading { since_ms: u64 },
    Ready(Rc<Shard>),
}

thread_local! {
    static SLOTS: [RefCell<Slot>; 2] =
        const { [RefCell::new(Slot::Empty), RefCell::new(Slot::Empty)] };
}

/// Looks at or changes the slot of a half. The borrow ends with the closure, which cannot await.
fn with_slot<T>(part: Part, use_slot: impl FnOnce(&mut Slot) -> T) -> T {
    SLOTS.with(|[shard1, shard2]| {
        let slot = match part {
            Part::Shard1 => shard1,
            Part::Shard2 => shard2,
        };
        use_slot(&mut slot.borrow_mut())
    })
}

/// What a request should do about a half.
enum Next {
    Use(Rc<Shard>),
    Wait,
    Load,
}

/// The half, loaded by whoever comes first. The others wait with timers of their own: a request
/// must not await a promise that belongs to another one.
async fn shard(env: &Env, part: Part) -> Result<Rc<Shard>, Problem> {
    loop {
        let now_ms = Date::now().as_millis();
        let next = with_slot(part, |slot| match slot {
            Slot::Ready(shard) => Next::Use(Rc::clone(shard)),
            Slot::Loading { since_ms } if now_ms.saturating_sub(*since_ms) < LOAD_MS_MAX => {
                Next::Wait
            }
            Slot::Loading { .. } | Slot::Empty => {
                *slot = Slot::Loading { since_ms: now_ms };
                Next::Load
            }
        });
        match next {
            Next::Use(shard) => return Ok(shard),
            Next::Wait => Delay::from(POLL).await,
            Next::Load => break,
        }
    }
    let result = load(env, part).await.map(Rc::new);
    with_slot(part, |slot| {
        *slot = match &result {
            Ok(shard) => Slot::Ready(Rc::clone(shard)),
            Err(_) => Slot::Empty,
        };
    });
    result.map_err(|error| error.problem(part))
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
    fn problem(self, part: Part) -> Problem {
        let file = part.file();
        let detail = match self {
            Self::Missing => {
                console_error!("{file} is not in the bucket");
                format!("{file} is not in the models bucket. The operator has to upload it.")
            }
            Self::Record(error) => {
                console_error!("{file} does not load: {error}");
                format!("{file} in the models bucket is unusable. The operator has to replace it.")
            }
            Self::Platform(error) => {
                console_error!("{file} cannot be read: {error}");
                "The model could not be loaded. Try again.".into()
            }
        };
        Problem::new(Kind::ModelUnavailable, detail)
    }
}

/// Streams a half from R2 into its engine.
async fn load(env: &Env, part: Part) -> Result<Shard, LoadError> {
    let model = env.var(bindings::MODEL)?.to_string();
    let bucket = env.bucket(bindings::MODELS)?;
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
