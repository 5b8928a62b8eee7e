#![doc = include_str!("../README.md")]

pub mod options;

pub mod needs;

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
