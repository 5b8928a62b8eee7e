//! One set of tests for everything that answers like Vectorize: the core of `vectorize-local` in
//! this process, `vectorize-local` in workerd, and the class that is Vectorize's binding in
//! production. What differs between them is behind [`Target`].
//!
//! A test touches only ids and a namespace of its own. So the index need not be empty, but nobody
//! else may write to it meanwhile.

mod native;
mod read;
mod search;
mod session;
mod write;

use anyhow::ensure;
use serde_json::Value;
use vectorize_local::method::Method;
use vectorize_local::refusal::Refusal;

pub use native::Native;

use session::Session;

/// The index under test has vectors of so many numbers.
pub const DIMENSIONS: usize = 24;

/// What the index makes of a call: a result, or a refusal.
pub type Answer = Result<Value, Refusal>;

/// An index under test.
pub trait Target {
    /// Calls a method of the binding with these arguments.
    ///
    /// # Errors
    /// When there is no answer at all. A refusal is an answer.
    fn call(&self, method: Method, arguments: &[Value]) -> anyhow::Result<Answer>;

    /// Waits a little, for a write to be applied.
    fn pause(&self);

    /// Whether calls go through the binding of a Worker, which changes some options before the
    /// index sees them.
    fn is_binding(&self) -> bool;
}

/// A test and its name.
type Test = (&'static str, fn(&Session<'_>) -> anyhow::Result<()>);

/// Names tests after their functions.
macro_rules! tests {
    ($($name:ident),* $(,)?) => { &[$((stringify!($name), $name)),*] };
}

use tests;

/// What a run of all tests has shown.
pub struct Report {
    /// Tests that ran.
    pub count: usize,
    /// The tests that failed, with the reasons.
    pub failures: Vec<String>,
}

/// Runs all tests that apply to the target. `run` is a word that tells apart several runs on the
/// same index.
pub fn run(target: &dyn Target, run: &str) -> Report {
    let mut tests = [read::TESTS, search::TESTS, write::TESTS].concat();
    if target.is_binding() {
        tests.extend(search::BINDING_TESTS);
    }
    let failure = |(name, test): &Test| {
        let error = test(&Session::new(target, &format!("{run}-{name}"))).err()?;
        Some(format!("{name}: {error:#}"))
    };
    Report { count: tests.len(), failures: tests.iter().filter_map(failure).collect() }
}

/// Runs all tests and prints how many there are.
///
/// # Errors
/// When one fails.
pub fn check(target: &dyn Target, run: &str) -> anyhow::Result<()> {
    let Report { count, failures } = self::run(target, run);
    ensure!(failures.is_empty(), "{run}: {failures:#?}");
    println!("{run}: {count} tests passed");
    Ok(())
}
