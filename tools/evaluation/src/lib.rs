#![doc = include_str!("../README.md")]

pub mod options;
pub mod needs;
mod parallel;
pub mod collections;
pub mod photos;
pub mod crops;
pub mod engine;
pub mod distances;
pub mod agreement;
pub mod strangers;
pub mod identify;
pub mod groups;
pub mod metrics;
pub mod lfw;
pub mod calibrate;
mod verdicts;
pub mod proposal;
pub mod plot;
pub mod report;
pub mod run;
