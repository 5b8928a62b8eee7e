//! The program behind `cargo xtask eval`, `calibrate` and `collect`, which set up what it needs.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use evaluation::calibrate::Measured;
use evaluation::options::{Command, CropMethod, Options, Precision, Program};
use evaluation::report::Report;
use evaluation::{collections, groups, needs, plot, proposal, run};
use facenet::verdict::Thresholds;

/// The largest side of a crop in pixels. Most photographs are larger.
const CROP_SIDE_MAX: u32 = 512;

fn main() -> ExitCode {
    let outcome = match Program::parse() {
        Program::Run(Command::Eval { options, lfw }) => eval(&options, lfw.as_deref()),
        Program::Run(Command::Calibrate { options, embeddings }) => {
            propose(&options, embeddings.as_deref())
        }
        Program::Run(Command::Collect { name, copy, dir }) => collect(&name, &copy, &dir),
        Program::Needs { arguments } => {
            print_needs(&arguments);
            Ok(())
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Ends the program when the command would refuse its arguments.
fn print_needs(arguments: &[OsString]) {
    for need in needs::of_arguments(arguments).unwrap_or_else(|error| error.exit()) {
        println!("{need}");
    }
}

fn collect(name: &str, copy: &Path, dir: &Path) -> anyhow::Result<()> {
    let collection = collections::of(name)?;
    collection.lay_out(copy, &dir.join(name))?;
    println!("{name}: {}\nTerms: {}", collection.about, collection.terms);
    Ok(())
}

fn propose(options: &Options, kept: Option<&Path>) -> anyhow::Result<()> {
    let pipeline = run::source(options)?.pipeline()?;
    let groups = groups::embed(options, kept)?;
    let measured: Vec<Measured> = groups.iter().map(Measured::of).collect();
    print!("{}", proposal::describe(&options.model, &pipeline, &measured));
    Ok(())
}

fn eval(options: &Options, pairs_file: Option<&Path>) -> anyhow::Result<()> {
    let outcome = run::measure(options, pairs_file)?;
    let report = Report {
        model: &options.model,
        pipeline: &outcome.pipeline,
        engine: engine(options),
        photos: &outcome.photos,
        skipped: &outcome.skipped,
        results: outcome.results,
    };
    let table = report.table();
    print!("{table}");
    let out = &options.out;
    fs::create_dir_all(out).with_context(|| format!("making {}", out.display()))?;
    let json = serde_json::to_vec_pretty(&report.json())?;
    for (name, content) in [("report.txt", table.as_bytes()), ("report.json", &json)] {
        let file = out.join(name);
        fs::write(&file, content).with_context(|| format!("writing {}", file.display()))?;
    }
    for result in &report.results {
        let file = out.join(format!("{}.svg", result.crops.name()));
        plot::write(&file, &result.distances, Thresholds::of(&options.model))?;
    }
    println!("\nThe report and its plots are in {}", out.display());
    if options.crops.contains(&CropMethod::AsIs) && are_whole_photographs(&report) {
        eprintln!("These look like whole photographs, which must be cropped first: --crops detect");
    }
    Ok(())
}

/// What computed the embeddings, in words.
fn engine(options: &Options) -> String {
    if let Some(url) = &options.server {
        return format!("served by {url}");
    }
    let weights = match options.weights {
        Precision::F16 => "f16 weights",
        Precision::Int8 => "8-bit weights, partly in integers",
        Precision::F32 => "f32 weights on the Burn engine",
    };
    if options.flip { format!("{weights}, with mirror images") } else { weights.into() }
}

/// Whether most of the pictures are too large for crops.
fn are_whole_photographs(report: &Report<'_>) -> bool {
    let all = &report.photos.photos;
    let large = all.iter().filter(|photo| {
        image::image_dimensions(&photo.file)
            .is_ok_and(|(width, height)| width.max(height) > CROP_SIDE_MAX)
    });
    2 * large.count() > all.len()
}
