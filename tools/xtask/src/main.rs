#![doc = include_str!("../README.md")]
//!
//! This file owns the command line.

mod ci;
mod cloudflare;
mod commands;
#[cfg(test)]
mod configuration;
mod curl;
mod fingerprint;
mod instance;
mod keys;
mod parallel;
mod private_file;
mod progress;
mod project;
mod run;
mod servers;
mod setup;
mod stop;
#[cfg(test)]
mod tidy;
mod v8;
mod wrangler;

use std::process::ExitCode;

use clap::Parser;

use crate::commands::{
    bench, build, cron, deny, deploy, destroy, dev, enrol, eval, faces, fuzz, generate, lint,
    search, test, wasm_std, weights,
};

/// The commands of the project. Each sets up what it needs and says so.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Runs everything on this machine: the page, both Workers, their storage.
    Dev(dev::Options),
    /// Fires the daily purge of a server that `dev` runs.
    Cron(cron::Options),
    /// Runs the tests, from unit tests to the page in a browser.
    Test(test::Options),
    /// Fetches the published checkpoint and writes the weights of both shards.
    Weights(weights::Options),
    /// Measures the engines against each other.
    Bench(bench::Options),
    /// Measures how well people are told apart, on photographs of known people.
    // The evaluation prints the help.
    #[command(disable_help_flag = true)]
    Eval(eval::Options),
    /// Computes the thresholds of the verdict from groups of known people.
    #[command(disable_help_flag = true)]
    Calibrate(eval::Options),
    /// Lays out a collection of photographs of known people.
    #[command(disable_help_flag = true)]
    Collect(eval::Options),
    /// Builds the Workers.
    Build(build::Options),
    /// Writes the generated code of the shards from ONNX.
    Generate(generate::Options),
    /// Puts everything on Cloudflare.
    Deploy(deploy::Options),
    /// Removes everything from Cloudflare that `deploy` has put there.
    Destroy(destroy::Options),
    /// Makes, lists and revokes the API keys of an instance.
    Keys(commands::keys::Options),
    /// Lists and deletes the faces of an instance, as its operator.
    Faces(faces::Options),
    /// Enrols the people whose photographs are in a folder.
    #[command(after_long_help = enrol::NAMES)]
    Enrol(enrol::Options),
    /// Says who is on a photograph.
    Search(search::Options),
    /// Checks licences, sources and known faults of the dependencies.
    Deny(deny::Options),
    /// Looks for faults in what reads foreign bytes.
    Fuzz(fuzz::Options),
    /// Checks formatting, lints and documentation, natively and for WebAssembly.
    Lint,
    /// Builds the standard library for WebAssembly from Debian's sources, into the user's cache.
    /// For machines where `rustup target add wasm32-unknown-unknown` does not work.
    WasmStd,
}

fn main() -> ExitCode {
    let command = Command::parse();
    let outcome = stop::listen().and_then(|()| match command {
        Command::Dev(options) => dev::run(&options),
        Command::Cron(options) => cron::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Weights(options) => weights::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Eval(options) => eval::run(&options),
        Command::Calibrate(options) => eval::calibrate(&options),
        Command::Collect(options) => eval::collect(&options),
        Command::Build(options) => build::run(&options),
        Command::Generate(options) => generate::run(&options),
        Command::Deploy(options) => deploy::run(&options),
        Command::Destroy(options) => destroy::run(&options),
        Command::Keys(options) => commands::keys::run(&options),
        Command::Faces(options) => faces::run(&options),
        Command::Enrol(options) => enrol::run(&options),
        Command::Search(options) => search::run(&options),
        Command::Deny(options) => deny::run(&options),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Lint => lint::run(),
        Command::WasmStd => wasm_std::run(),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // The user has stopped it and needs no reason.
        Err(_) if stop::requested() => ExitCode::from(stop::EXIT_CODE),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Command::command().debug_assert();
    }
}
