//! What one conformance test works with: ids of its own, calls that have to succeed, calls that
//! have to be refused, and the score as the documentation defines it.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use serde_json::{Value, json};
use vectorize_local::method::Method;
use vectorize_local::refusal::Refusal;

use super::{DIMENSIONS, Target};

/// Longest wait for a write to be applied.
const WRITE_MAX: Duration = Duration::from_mins(1);

/// One test on one target.
pub(super) struct Session<'a> {
    target: &'a dyn Target,
    /// Begins every id of this test.
    prefix: String,
}

impl<'a> Session<'a> {
    /// `scope` is different for every test and run.
    pub(super) fn new(target: &'a dyn Target, scope: &str) -> Self {
        // Hashed, because an id has at most 64 bytes.
        Self { target, prefix: format!("{:016x}", fnv_1a(scope)) }
    }

    /// An id of this test.
    pub(super) fn id(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    /// The namespace of this test.
    pub(super) fn namespace(&self) -> String {
        self.id("ns")
    }

    /// Makes a call that has to succeed.
    pub(super) fn call(&self, method: Method, arguments: &[Value]) -> anyhow::Result<Value> {
        match self.target.call(method, arguments)? {
            Ok(result) => Ok(result),
            Err(refusal) => bail!("{}: {refusal:?}", method.name()),
        }
    }

    /// Makes a call that has to be refused with this code, and a text that begins so. `None` is a
    /// refusal without a code.
    pub(super) fn refused(
        &self,
        method: Method,
        arguments: &[Value],
        code: Option<u32>,
        text: &str,
    ) -> anyhow::Result<()> {
        match self.target.call(method, arguments)? {
            Ok(result) => {
                let result: String = result.to_string().chars().take(200).collect();
                bail!("{} is not refused: {result}", method.name())
            }
            Err(Refusal { code: got, error }) => {
                ensure!(got == code, "refused with the code {got:?}, not {code:?}: {error}");
                ensure!(error.starts_with(text), "refused by {error:?}, not {text:?}");
                Ok(())
            }
        }
    }

    /// Writes, and waits until the write is applied.
    pub(super) fn write(&self, method: Method, argument: Value) -> anyhow::Result<()> {
        let answer = self.call(method, &[argument])?;
        let mutation = &answer["mutationId"];
        ensure!(mutation.is_string(), "no mutationId: {answer}");
        let started = Instant::now();
        while self.call(Method::Describe, &[])?["processedUpToMutation"] != *mutation {
            ensure!(started.elapsed() < WRITE_MAX, "write {mutation} is not applied");
            self.target.pause();
        }
        Ok(())
    }

    /// Stores vectors.
    pub(super) fn upsert(&self, vectors: &[Value]) -> anyhow::Result<()> {
        self.write(Method::Upsert, json!(vectors))
    }

    /// Removes vectors by their names.
    pub(super) fn delete(&self, names: &[&str]) -> anyhow::Result<()> {
        let ids: Vec<String> = names.iter().map(|name| self.id(name)).collect();
        self.write(Method::DeleteByIds, json!(ids))
    }

    /// Stores vectors under the names 0, 1, 2 and so on; a vector's name is its seed.
    pub(super) fn store(&self, count: u32) -> anyhow::Result<()> {
        let vectors: Vec<Value> =
            (0..count).map(|seed| self.vector(&seed.to_string(), seed)).collect();
        self.upsert(&vectors)
    }

    /// The vector that is stored under a name, or null.
    pub(super) fn read(&self, name: &str) -> anyhow::Result<Value> {
        Ok(self.call(Method::GetByIds, &[json!([self.id(name)])])?[0].clone())
    }

    /// A search in the namespace of this test, unless the options name another.
    pub(super) fn query(&self, vector: &[f32], mut options: Value) -> anyhow::Result<Value> {
        if let Some(options) = options.as_object_mut() {
            options.entry("namespace").or_insert_with(|| self.namespace().into());
        }
        self.call(Method::Query, &[json!(vector), options])
    }

    /// The names of the vectors that a search finds.
    pub(super) fn found(&self, vector: &[f32], options: Value) -> anyhow::Result<Vec<String>> {
        let answer = self.query(vector, options)?;
        let name = |found: &Value| {
            let id = found["id"].as_str().unwrap_or_default();
            id.split_once('-').unwrap_or_default().1.to_owned()
        };
        Ok(answer["matches"].as_array().into_iter().flatten().map(name).collect())
    }

    /// A vector to be stored under a name, in the namespace of this test.
    pub(super) fn vector(&self, name: &str, seed: u32) -> Value {
        json!({ "id": self.id(name), "values": values(seed), "namespace": self.namespace() })
    }

    /// The same with metadata.
    pub(super) fn vector_with(&self, name: &str, seed: u32, metadata: Value) -> Value {
        let mut vector = self.vector(name, seed);
        vector["metadata"] = metadata;
        vector
    }
}

/// Numbers from -1 to 1 that look random, and differ by seed.
pub(super) fn values(seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) ^ 0x5bd1_e995;
    let mut number = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..DIMENSIONS).map(|_| number()).collect()
}

/// The L2 distance, which is the score of an index with the metric `euclidean`.
pub(super) fn distance(a: &[f32], b: &[f32]) -> f64 {
    let square = |(x, y): (&f32, &f32)| (f64::from(*x) - f64::from(*y)).powi(2);
    a.iter().zip(b).map(square).sum::<f64>().sqrt()
}

/// Checks a score, which may have been computed in float32.
pub(super) fn ensure_close(what: &str, got: &Value, wanted: f64) -> anyhow::Result<()> {
    let close = got.as_f64().is_some_and(|got| (got - wanted).abs() <= 1e-5 * wanted.max(1.0));
    ensure!(close, "{what}: {got}, not {wanted}");
    Ok(())
}

/// Compares the numbers of vectors as float32: their decimal digits may differ.
pub(super) fn ensure_same_values(got: &Value, wanted: &Value) -> anyhow::Result<()> {
    let numbers = |values: &Value| -> Option<Vec<f32>> {
        values.as_array()?.iter().map(|value| value.as_f64().map(|value| value as f32)).collect()
    };
    let (got, wanted) = (numbers(got), numbers(wanted));
    ensure!(got.is_some() && got == wanted, "values: {got:?}, not {wanted:?}");
    Ok(())
}

/// The hash of the same name, by Fowler, Noll and Vo.
fn fnv_1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
