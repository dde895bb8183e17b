//! `turgo topology`: the machine as Turgo sees it, or one that is made up.

mod json;
mod text;

use turgo_engine::EngineError;
use turgo_machine::topology::Spec;
use turgo_sql::SqlError;

use crate::args::Topology;
use crate::output::print;
use crate::report::Failure;

/// Runs the command.
pub(crate) fn topology(args: &Topology) -> Result<(), Failure> {
    let (machine, spec) = match &args.simulate {
        None => (turgo_machine::topology::Topology::detect().map_err(Failure::new)?, None),
        Some(text) => {
            let spec: Spec = text.parse().map_err(|error| refusal(text, &error))?;
            (spec.topology(), Some(spec.to_string()))
        }
    };
    let shown = match args.json {
        true => json::object(&machine, spec.as_deref()),
        false => text::page(&machine, spec.as_deref()),
    };
    match print(&shown) {
        Err(EngineError::Closed) => Ok(()),
        printed => Ok(printed?),
    }
}

fn refusal(text: &str, error: &turgo_machine::topology::SpecError) -> Failure {
    let shown = SqlError::new(error.message()).at(error.at()).help(error.remedy());
    Failure::argument("--simulate", text, &shown)
}
