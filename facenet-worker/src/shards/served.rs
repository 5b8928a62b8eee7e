//! Which weights this deployment serves. Its variables `MODEL` and `WEIGHTS` say so, and must fit
//! each other: the model decides which faces an embedding is compared with, and the weights how it
//! is computed.

use facenet::PIPELINE;
use facenet::record::Weights;
use wire::{Kind, Problem};
use worker::Env;

use crate::{bindings, error};

/// The weights that the variables name.
///
/// # Errors
/// 503 when they name none, or those of another model or pipeline than the one that is served.
pub(crate) fn weights(env: &Env) -> Result<Weights, Problem> {
    let variable = |name| env.var(name).map(|value| value.to_string()).unwrap_or_default();
    let (model, named) = (variable(bindings::MODEL), variable(bindings::WEIGHTS));
    fitting(&model, &named).map_err(|why| {
        let detail = format!(
            "This deployment names no weights of its model. The operator has to deploy it by \
             `cargo xtask deploy --model {model}`."
        );
        let what = format_args!("the variable WEIGHTS does not fit: {why}");
        error::logged(what, Problem::new(Kind::ModelUnavailable, detail))
    })
}

fn fitting(model: &str, named: &str) -> Result<Weights, String> {
    let weights: Weights = named.parse().map_err(|error| format!("{error}"))?;
    if weights.model() != model {
        return Err(format!("it is of {}, not of {model}", weights.model()));
    }
    if weights.pipeline() != PIPELINE {
        return Err(format!("it is of the pipeline {}, not {PIPELINE}", weights.pipeline()));
    }
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_something_else_are_not_served() {
        let weights = Weights::new("casia-webface", [7; 32].into());
        let text = weights.to_string();
        assert_eq!(fitting("casia-webface", &text), Ok(weights));
        let refused = |model, named: &str, why: &str| {
            let error = fitting(model, named).unwrap_err();
            assert!(error.contains(why), "{error}");
        };
        refused("vggface2", &text, "of casia-webface");
        refused("casia-webface", "", "MODEL/PIPELINE/DIGEST");
        refused("casia-webface", &format!("casia-webface/0/{}", "07".repeat(32)), "pipeline 0");
    }
}
