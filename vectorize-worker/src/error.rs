//! What can go wrong while a request is served, and what the caller and the log learn of it.

use std::{error, fmt};

use wire::log::Record;
use wire::{Kind, Problem};

/// Why a request was not served.
#[derive(Debug)]
pub(crate) enum Error {
    /// The request is at fault. The caller is told how.
    Problem(Problem),
    /// A store failed. The details go to the log; the caller learns only that to try again helps.
    Store(StoreError),
}

impl Error {
    /// A problem with a sentence for the caller.
    pub(crate) fn problem(kind: Kind, detail: impl Into<String>) -> Self {
        Self::Problem(Problem::new(kind, detail))
    }

    /// What the caller is told, with what is for the log alone.
    pub(crate) fn into_problem(self) -> Problem {
        match self {
            Self::Problem(problem) => problem,
            Self::Store(error) => {
                let text = "The store of faces does not answer. Try again in a moment.";
                let problem = Problem::new(Kind::Unavailable, text);
                Problem { fault: Some(error.to_string()), ..problem }
            }
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A call to a store or to the runtime that failed: the call, and its error. For the log only.
/// Nothing personal is in it: stores do not name people, and
/// [`vectorize::Error`](crate::vectorize::Error) quotes no answers.
#[derive(Debug)]
pub(crate) struct StoreError {
    call: &'static str,
    cause: Box<dyn error::Error>,
    /// The calls that should have undone earlier calls, and failed too.
    undoing: Vec<Self>,
}

impl StoreError {
    /// `call` names the call in the log, such as `r2 put`.
    pub(crate) fn new(call: &'static str, cause: impl Into<Box<dyn error::Error>>) -> Self {
        Self { call, cause: cause.into(), undoing: Vec::new() }
    }

    /// For `map_err`.
    pub(crate) fn of<E: Into<Box<dyn error::Error>>>(call: &'static str) -> impl Fn(E) -> Self {
        move |cause| Self::new(call, cause)
    }

    /// Adds the failures of the calls that should have undone earlier calls.
    pub(crate) fn with_undoing<const N: usize>(mut self, undoing: [Result<(), Self>; N]) -> Self {
        self.undoing.extend(undoing.into_iter().filter_map(Result::err));
        self
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.call, self.cause)?;
        self.undoing.iter().try_for_each(|error| write!(f, "; undoing it: {error}"))
    }
}

impl error::Error for StoreError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&*self.cause)
    }
}

/// An answer, and a failure that did not prevent it. The next purge repairs such a failure, so only
/// the log needs it.
#[derive(Debug)]
pub(crate) struct Outcome<T> {
    /// For the caller.
    pub(crate) answer: T,
    /// For the log.
    pub(crate) failure: Option<StoreError>,
}

impl<T> Outcome<T> {
    /// The answer, once the failure is in the record of the request.
    pub(crate) fn noted(self, record: &Record) -> T {
        if let Some(failure) = self.failure {
            record.fault(failure);
        }
        self.answer
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;
    use crate::vectorize;

    #[test]
    fn the_log_tells_the_call_the_cause_and_what_could_not_be_undone() {
        let cause = vectorize::Error::Unreadable("no JSON".into());
        let undone = [Ok(()), Err(StoreError::new("r2 delete", "down"))];
        let error = StoreError::new("vectorize upsert", cause.clone()).with_undoing(undone);
        let expected = format!("vectorize upsert: {cause}; undoing it: r2 delete: down");
        assert_eq!(error.to_string(), expected);
        let source = error.source().unwrap().downcast_ref::<vectorize::Error>();
        assert_eq!(source, Some(&cause), "the cause keeps its type");
    }
}
