#![doc = include_str!("../README.md")]

#[cfg(feature = "browser")]
pub mod browser;

pub mod bucket;

pub mod golden;

mod guard;

pub mod port;

pub mod process;

pub mod server;

pub mod wait;

pub mod workerd;

pub mod wrangler;

use std::path::Path;

/// The root of the clone.
#[must_use]
pub fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).unwrap_or(own)
}
