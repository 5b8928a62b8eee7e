//! The one place that turns faults into problems. What failed goes to the log with the line of the
//! request; the document, which the caller sees, holds no internal detail.

use std::fmt::Display;

use wire::limits::REQUESTS_AT_ONCE_MAX;
use wire::{Kind, Problem};

/// Seconds after which an overloaded model may be asked again.
const OVERLOADED_RETRY_AFTER_S: u32 = 5;

/// Seconds after which a caller's earlier requests are mostly answered.
const AT_ONCE_RETRY_AFTER_S: u32 = 2;

/// A problem with what failed, for the log. Neither a name nor a picture, an embedding or a token
/// may be in it.
pub(crate) fn logged(what: impl Display, problem: Problem) -> Problem {
    Problem { fault: Some(what.to_string()), ..problem }
}

/// A fault of ours.
pub(crate) fn internal(what: impl Display) -> Problem {
    logged(format_args!("internal error: {what}"), Problem::internal())
}

/// The model does not answer, or not as it should.
pub(crate) fn model_unavailable(what: impl Display) -> Problem {
    logged(what, Problem::try_again(Kind::ModelUnavailable, "The model does not answer."))
}

/// `cface-vectorize` does not answer, or not as it should.
pub(crate) fn store_unavailable(what: impl Display) -> Problem {
    logged(what, Problem::try_again(Kind::Unavailable, "The store does not answer."))
}

/// More is asked for than can be computed. That is no fault, so it is not logged.
pub(crate) fn overloaded() -> Problem {
    let detail =
        "Too many pictures are being computed. Wait as `Retry-After` says, then try again.";
    let problem = Problem::new(Kind::Unavailable, detail);
    Problem { retry_after: Some(OVERLOADED_RETRY_AFTER_S), ..problem }
}

/// A caller has too many requests under way. That is no fault either.
pub(crate) fn too_many_at_once() -> Problem {
    let detail = format!(
        "You have sent more than {REQUESTS_AT_ONCE_MAX} requests at once. Wait for their answers, \
         then try again."
    );
    let problem = Problem::new(Kind::RateLimited, detail);
    Problem { retry_after: Some(AT_ONCE_RETRY_AFTER_S), ..problem }
}
