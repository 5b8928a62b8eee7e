//! How right the answers are, measured on photographs of known people.
//!
//! ```text
//! photos: a folder per person, or LFW's pairs
//!   -> crops: as they are, or cut out by the page's own code in a browser
//!   -> engine: embeddings
//!   -> distances -> metrics, lfw, calibrate -> report, proposal, plot
//! ```
//!
//! Nothing here is part of what is deployed. The network, the pictures' decoding and the thresholds
//! are `facenet`'s, the detector and the crop those of `site/js`: what is measured is what users
//! get.

pub mod options;

pub mod photos;

pub mod crops;

pub mod engine;

pub mod distances;

pub mod metrics;

pub mod lfw;

pub mod calibrate;

mod verdicts;

pub mod proposal;

pub mod plot;

pub mod report;

pub mod run;
