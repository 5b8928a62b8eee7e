//! What tests and tools share to run CFace on a developer's machine.

#[cfg(feature = "browser")]
pub mod browser;

pub mod port;
