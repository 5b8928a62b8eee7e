//! Every command of the project, as `cargo xtask <command>`. This file owns the command line;
//! each command has a file of its own, and what several of them need is in [`setup`].

mod commands;
mod fingerprint;
mod golden;
mod progress;
mod project;
mod run;
mod setup;
mod stop;
#[cfg(test)]
mod tidy;
mod v8;
mod wrangler;

use std::process::ExitCode;

use clap::Parser;
use commands::{bench, build, cron, deny, deploy, dev, eval, fuzz, generate, lint, test, weights};

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
    Eval(eval::EvalOptions),
    /// Computes the thresholds of the verdict from photographs of known people.
    Calibrate(eval::CalibrateOptions),
    /// Builds the Workers.
    Build(build::Options),
    /// Writes the generated code of the shards from ONNX.
    Generate(generate::Options),
    /// Puts everything on Cloudflare.
    Deploy(deploy::Options),
    /// Checks licences, sources and known faults of the dependencies.
    Deny,
    /// Looks for faults in what reads foreign bytes.
    Fuzz(fuzz::Options),
    /// Checks formatting and lints, natively and for WebAssembly.
    Lint,
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
        Command::Build(options) => build::run(&options),
        Command::Generate(options) => generate::run(&options),
        Command::Deploy(options) => deploy::run(&options),
        Command::Deny => deny::run(),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Lint => lint::run(),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever stopped it knows why it ended.
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
