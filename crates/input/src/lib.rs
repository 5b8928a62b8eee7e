//! What callers send, from bytes to values that are checked: pictures, forms, vectors and query
//! strings. Nothing here needs the runtime, so it runs natively: in unit tests and under the
//! fuzzer. The limits are those of [`wire::limits`], each held before the work that it bounds.

pub mod form;

pub mod picture;

pub mod query;

pub mod vector;
