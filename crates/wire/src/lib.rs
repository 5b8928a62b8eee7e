//! What the two Workers of CFace say to each other and to their callers: limits, problem
//! documents, and the messages that cross the service binding. No logic, no Workers types (but
//! for what the feature `worker` adds), so tests and tools can use it natively.

pub mod faces;

#[cfg(feature = "worker")]
pub mod http;

pub mod limits;

pub mod problem;

pub mod retention;

pub use problem::{Kind, Problem};
