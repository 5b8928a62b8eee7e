//! What must be set up before a command can run. `cargo xtask` asks this program, sets it up, and
//! passes on where it is in environment variables.

use std::ffi::OsString;
use std::fmt;

use clap::Parser as _;

use crate::options::{Command, CropMethod, Options, Precision};

/// One thing that must be set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// The records of a model, in the folder `CFACE_WEIGHTS`.
    Weights(String),
    /// The records of a model in float32, in the folder `CFACE_WEIGHTS`, and a build of this
    /// program with its feature `f32`.
    WeightsF32(String),
    /// The libraries and the detector's weights that the page's code loads, in `site`.
    Page,
    /// Chromium and its driver, at `CFACE_CHROMIUM` and `CFACE_CHROMEDRIVER`.
    Browser,
    /// The weights of the face finder, in the file `CFACE_FINDER`.
    Finder,
    /// Python with PyTorch, at `CFACE_PYTHON`.
    Pytorch,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weights(model) => write!(f, "weights {model}"),
            Self::WeightsF32(model) => write!(f, "weights-f32 {model}"),
            Self::Page => f.write_str("page"),
            Self::Browser => f.write_str("browser"),
            Self::Finder => f.write_str("finder"),
            Self::Pytorch => f.write_str("pytorch"),
        }
    }
}

/// What a command needs that has these arguments, which begin with its name. A call for help needs
/// nothing.
///
/// # Errors
/// When the command would refuse its arguments.
pub fn of_arguments(arguments: &[OsString]) -> Result<Vec<Need>, clap::Error> {
    let program = OsString::from("evaluation");
    match Command::try_parse_from(std::iter::once(&program).chain(arguments)) {
        Ok(command) => Ok(command.options().map_or_else(Vec::new, of)),
        Err(error) if error.use_stderr() => Err(error),
        Err(_) => Ok(Vec::new()),
    }
}

fn of(options: &Options) -> Vec<Need> {
    let mut needs = Vec::new();
    if options.server.is_none() {
        let model = options.model.clone();
        needs.push(match options.weights {
            Precision::F16 | Precision::Int8 => Need::Weights(model),
            Precision::F32 => Need::WeightsF32(model),
        });
    }
    if options.crops.contains(&CropMethod::Detect) {
        needs.extend([Need::Page, Need::Browser]);
    }
    if options.crops.contains(&CropMethod::Native) {
        needs.push(Need::Finder);
    }
    if options.crops.contains(&CropMethod::Mtcnn) {
        needs.push(Need::Pytorch);
    }
    needs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(arguments: &str) -> Result<Vec<String>, clap::Error> {
        let arguments: Vec<OsString> = arguments.split(' ').map(OsString::from).collect();
        Ok(of_arguments(&arguments)?.iter().map(Need::to_string).collect())
    }

    #[test]
    fn needs_follow_from_the_arguments() {
        for (arguments, expected) in [
            ("eval DIR", &["weights casia-webface"][..]),
            ("calibrate --model vggface2 DIR", &["weights vggface2"]),
            ("eval --lfw pairs.txt DIR --weights f32", &["weights-f32 casia-webface"]),
            ("eval --server http://127.0.0.1:8787 -- --DIR", &[]),
            ("eval DIR --crops served,native --server http://a", &["finder"]),
            ("eval DIR --crops detect", &["weights casia-webface", "page", "browser"]),
            ("eval DIR --crops native", &["weights casia-webface", "finder"]),
            ("eval DIR --crops as-is,mtcnn", &["weights casia-webface", "pytorch"]),
            ("eval --help", &[]),
            ("calibrate -h", &[]),
            ("collect imm COPY DIR", &[]),
        ] {
            assert_eq!(lines(arguments).unwrap(), expected, "{arguments}");
        }
    }

    #[test]
    fn what_the_command_refuses_is_refused() {
        for (arguments, reason) in [
            ("eval", "<DIR>"),
            ("eval DIR --crops raw", "invalid value 'raw'"),
            ("calibrate DIR --lfw pairs.txt", "unexpected argument '--lfw'"),
            ("needs eval DIR", "unrecognized subcommand 'needs'"),
        ] {
            let error = lines(arguments).unwrap_err().to_string();
            assert!(error.contains(reason), "{arguments}: {error}");
        }
    }
}
