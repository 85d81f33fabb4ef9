//! Carrying out the changes of a stage.

use super::Outcome;
use super::refusals::compare_schema_errors;
use crate::report::{Problem, Report};
use crate::scenario::{Placed, Stage};
use crate::surface::{Surface, SurfaceError};

/// Carries out the changes of a stage.
pub(super) fn set_up(stage: &Stage, surface: &mut dyn Surface, report: &mut Report) -> Outcome {
    if let Some(schema) = &stage.schema {
        let applied = surface.apply_schema(&schema.value);
        match &stage.schema_errors {
            Some(errors) => report.count(compare_schema_errors(schema.line, errors, applied)),
            None => applied.map_err(|error| could_not(schema.line, "the schema is applied", &error))?,
        }
    }
    each(
        &stage.resources,
        "is created",
        |resource| resource.object.to_string(),
        |some| surface.create_resources(some),
    )?;
    each(
        &stage.delete_resources,
        "is deleted",
        ToString::to_string,
        |some| surface.delete_resources(some),
    )?;
    each(&stage.warrants, "is created", ToString::to_string, |some| {
        surface.create_warrants(some)
    })?;
    each(
        &stage.delete_warrants,
        "is deleted",
        ToString::to_string,
        |some| surface.delete_warrants(some),
    )
}

/// Writes in batches; when one is refused, one by one, to find the line to blame.
fn each<T: Clone>(
    things: &[Placed<T>],
    what: &str,
    name: impl Fn(&T) -> String,
    mut write: impl FnMut(&[T]) -> Result<(), SurfaceError>,
) -> Outcome {
    const BATCH: usize = 100;
    for batch in things.chunks(BATCH) {
        let values: Vec<T> = batch.iter().map(|placed| placed.value.clone()).collect();
        match write(&values) {
            Ok(()) => {}
            Err(error @ SurfaceError::Broken(_)) => {
                let line = batch.first().map_or(0, |placed| placed.line);
                return Err(could_not(line, "the surface answers", &error));
            }
            Err(SurfaceError::Refused(_)) => {
                for Placed { line, value } in batch {
                    write(std::slice::from_ref(value))
                        .map_err(|error| could_not(*line, &format!("{} {what}", name(value)), &error))?;
                }
            }
        }
    }
    Ok(())
}

fn could_not(line: u64, wanted: &str, error: &SurfaceError) -> Box<Problem> {
    Box::new(Problem {
        line,
        question: "set-up".to_owned(),
        expected: wanted.to_owned(),
        came: error.to_string(),
        tree: None,
    })
}
