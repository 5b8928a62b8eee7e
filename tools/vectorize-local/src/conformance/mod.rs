//! One set of tests for every index that claims to be Vectorize: this stand-in's core, the
//! stand-in in workerd, and the real thing. What differs between them is behind [`Target`].
//!
//! A run touches only ids and namespaces of its own, so the index need not be empty, but it
//! counts on nobody else's writing. The index has the metadata indexes of [`METADATA_INDEXES`].

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{config::Config, fault::Fault, metric::Metric};

mod native;

mod read;

mod search;

mod write;

pub use native::Native;

/// The metadata indexes that the tests filter by, as [`Config::read`] reads them.
pub const METADATA_INDEXES: &str = "city:string, year:number, sold:boolean, artist.name:string";

/// Longest wait for a write to be applied: Cloudflare's slowest of a hundred take two minutes.
const WRITE_MAX: Duration = Duration::from_mins(6);

/// An index under test.
pub trait Target {
    /// Calls a method of the binding with these arguments.
    ///
    /// # Errors
    /// The refusal: what the text of the binding's error says.
    fn call(&self, method: Method, arguments: &[Value]) -> Result<Value, Fault>;

    /// Waits a little, for a write to be applied.
    fn pause(&self);

    /// Whether calls go through the binding of a Worker, which turns some options into others
    /// before the index sees them.
    fn is_binding(&self) -> bool;
}

pub use crate::method::Method;

/// How a test went.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All is as it should be.
    Passed,
    /// The target cannot do what the test is about.
    Skipped,
    /// Something is not as it should be.
    Failed(String),
}

/// Why a test ends early.
enum Stop {
    Skip,
    Fail(String),
}

impl From<String> for Stop {
    fn from(reason: String) -> Self {
        Self::Fail(reason)
    }
}

type Test = fn(&Session<'_>) -> Result<(), Stop>;

/// Runs all tests and returns how each went. `run` tells runs on the same index apart: a few
/// letters or digits. The metadata indexes of `config` are not looked at.
///
pub fn run(target: &dyn Target, config: &Config, run: &str) -> Vec<(&'static str, Outcome)> {
    let tests = [read::TESTS, search::TESTS, write::TESTS].concat();
    let outcome = |test: Test, name: &str| {
        let session = Session { target, config, scope: format!("{run}-{name}") };
        match test(&session) {
            Ok(()) => Outcome::Passed,
            Err(Stop::Skip) => Outcome::Skipped,
            Err(Stop::Fail(reason)) => Outcome::Failed(reason),
        }
    };
    tests.into_iter().map(|(name, test)| (name, outcome(test, name))).collect()
}

/// What one test works with.
struct Session<'a> {
    target: &'a dyn Target,
    config: &'a Config,
    /// Marks what belongs to this test.
    scope: String,
}

impl Session<'_> {
    /// An id of this test: at most 64 bytes, whatever the test is called.
    fn id(&self, name: &str) -> String {
        format!("{:016x}-{name}", fingerprint(&self.scope))
    }

    /// The namespace of this test.
    fn namespace(&self) -> String {
        self.id("ns")
    }

    fn call(&self, method: Method, arguments: &[Value]) -> Result<Value, Stop> {
        let refused = |fault: Fault| format!("{}: {fault:?}", method.name());
        self.target.call(method, arguments).map_err(|fault| refused(fault).into())
    }

    /// Writes, and waits until the write is applied.
    fn write(&self, method: Method, argument: Value) -> Result<(), Stop> {
        let answer = self.call(method, &[argument])?;
        let mutation = &answer["mutationId"];
        same("mutationId is text", &mutation.is_string(), &true)?;
        let started = Instant::now();
        while self.call(Method::Describe, &[])?["processedUpToMutation"] != *mutation {
            if started.elapsed() > WRITE_MAX {
                return Err(format!("write {mutation} is not applied").into());
            }
            self.target.pause();
        }
        Ok(())
    }

    /// A search among the vectors of this test.
    fn query(&self, vector: &[f32], mut options: Value) -> Result<Value, Stop> {
        if let Some(options) = options.as_object_mut() {
            options.entry("namespace").or_insert_with(|| self.namespace().into());
        }
        self.call(Method::Query, &[json!(vector), options])
    }

    /// The ids that a search finds, as they were named when they were stored.
    fn found(&self, vector: &[f32], options: Value) -> Result<Vec<String>, Stop> {
        let answer = self.query(vector, options)?;
        let id = |found: &Value| {
            let id = found["id"].as_str().unwrap_or_default();
            id.split_once('-').unwrap_or_default().1.to_owned()
        };
        Ok(answer["matches"].as_array().into_iter().flatten().map(id).collect())
    }

    /// Numbers that look random, have any length, and differ by seed.
    fn vector(&self, seed: u32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(0x9e37_79b9) ^ 0x5bd1_e995;
        let mut number = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        (0..self.config.dimensions).map(|_| number()).collect()
    }

    /// A vector as it is stored, in the namespace of this test.
    fn stored(&self, name: &str, seed: u32, metadata: Value) -> Value {
        let mut vector = json!({
            "id": self.id(name), "values": self.vector(seed), "namespace": self.namespace(),
        });
        if !metadata.is_null() {
            vector["metadata"] = metadata;
        }
        vector
    }

    /// Checks that a call is refused, with this code if it is published, and this text.
    fn refused(
        &self,
        method: Method,
        arguments: &[Value],
        code: Option<u32>,
        text: &str,
    ) -> Result<(), Stop> {
        match self.target.call(method, arguments) {
            Ok(answer) => Err(format!("{} answers {}", method.name(), short(&answer)).into()),
            Err(fault) if code.is_some() => {
                same("code", &fault.code, &code)?;
                same("text", &fault.error.starts_with(text), &true)
                    .map_err(|_| format!("refused by {fault:?}, not by {text:?}").into())
            }
            Err(_) => Ok(()),
        }
    }

    fn needs_binding(&self) -> Result<(), Stop> {
        if self.target.is_binding() { Ok(()) } else { Err(Stop::Skip) }
    }

    /// The score as the documentation defines it, computed plainly.
    fn score(&self, a: &[f32], b: &[f32]) -> f64 {
        let pairs = || a.iter().zip(b).map(|(&x, &y)| (f64::from(x), f64::from(y)));
        let dot: f64 = pairs().map(|(x, y)| x * y).sum();
        match self.config.metric {
            Metric::Euclidean => pairs().map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt(),
            Metric::DotProduct => -dot,
            Metric::Cosine => {
                let [a, b] = pairs().fold([0.0; 2], |[a, b], (x, y)| [a + x * x, b + y * y]);
                dot / (a * b).sqrt()
            }
        }
    }
}

/// FNV-1a.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(200).collect()
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, wanted: &T) -> Result<(), Stop> {
    if got == wanted {
        return Ok(());
    }
    Err(format!("{what}: {got:?}, not {wanted:?}").into())
}

fn close(what: &str, got: &Value, wanted: f64) -> Result<(), Stop> {
    match got.as_f64() {
        // Stored and computed in float32.
        Some(got) if (got - wanted).abs() <= 1e-5 * wanted.abs().max(1.0) => Ok(()),
        _ => Err(format!("{what}: {got}, not {wanted}").into()),
    }
}

/// Compares the numbers of vectors as float32: their decimal digits may differ.
fn same_values(got: &Value, wanted: &Value) -> Result<(), Stop> {
    let numbers = |values: &Value| -> Option<Vec<f32>> {
        values.as_array()?.iter().map(|value| value.as_f64().map(|value| value as f32)).collect()
    };
    same("values", &numbers(got), &numbers(wanted))
}
