//! Asking the questions of a scenario.

mod refusals;
mod setup;

use crate::notation::Warrant;
use crate::report::{Problem, Report, rows_differ};
use crate::scenario::{CheckCase, Expect, Placed, QueryCase, Refused, Scenario, Value};
use crate::surface::Surface;
use refusals::compare_error;
use setup::set_up;

/// Runs a scenario. A stage that cannot be set up ends it.
pub fn run(scenario: &Scenario, surface: &mut dyn Surface) -> Report {
    let mut report = Report::new(scenario);
    for stage in &scenario.stages {
        if let Err(problem) = set_up(stage, surface, &mut report) {
            report.problems.push(*problem);
            break;
        }
        for refused in &stage.refused {
            let outcome = ask_refused(refused, surface);
            report.count(outcome);
        }
        for check in &stage.checks {
            let outcome = ask_check(check, surface);
            report.count(outcome);
        }
        for query in &stage.queries {
            let outcome = ask_query(query, surface);
            report.count(outcome);
        }
    }
    report
}

type Outcome = Result<(), Box<Problem>>;

fn differs(
    line: u64,
    question: impl Into<String>,
    expected: impl Into<String>,
    came: impl Into<String>,
) -> Outcome {
    let (question, expected, came) = (question.into(), expected.into(), came.into());
    Err(Box::new(Problem {
        line,
        question,
        expected,
        came,
        tree: None,
    }))
}

fn ask_refused(refused: &Placed<Refused>, surface: &mut dyn Surface) -> Outcome {
    let Placed {
        line,
        value: Refused { warrant, error },
    } = refused;
    let outcome = surface.create_warrants(std::slice::from_ref(warrant));
    compare_error(
        *line,
        format!("write {warrant}"),
        error,
        outcome.map(|()| "written".to_owned()),
    )
}

fn ask_check(placed: &Placed<CheckCase>, surface: &mut dyn Surface) -> Outcome {
    let Placed { line, value: case } = placed;
    let question = match &case.name {
        Some(name) => format!("{} ({name})", case.check.tuple),
        None => case.check.tuple.to_string(),
    };
    let answer = surface.check(&case.check);
    let wanted = match &case.expect {
        Expect::Error(error) => {
            return compare_error(
                *line,
                question,
                error,
                answer.map(|answer| answer.value.to_string()),
            );
        }
        Expect::Answer(value) => *value,
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return differs(*line, question, wanted.to_string(), error.to_string()),
    };
    let implicit = case.implicit.filter(|implicit| *implicit != answer.implicit);
    let missing = case
        .missing
        .as_ref()
        .filter(|missing| **missing != answer.missing);
    if answer.value != wanted || implicit.is_some() || missing.is_some() {
        let say = |value: Value, implicit: Option<bool>, missing: Option<&Vec<String>>| {
            let mut text = value.to_string();
            if let Some(implicit) = implicit {
                text.push_str(if implicit { ", implicit" } else { ", not implicit" });
            }
            if let Some(missing) = missing {
                text.push_str(&format!(", missing {}", list(missing)));
            }
            text
        };
        return Err(Box::new(Problem {
            line: *line,
            question,
            expected: say(wanted, implicit, missing),
            came: say(
                answer.value,
                implicit.map(|_| answer.implicit),
                missing.map(|_| &answer.missing),
            ),
            // The answer differs already: a tree that cannot be had changes nothing.
            tree: surface.explain(&case.check).ok().flatten(),
        }));
    }
    if case.because.is_empty() {
        return Ok(());
    }
    match surface.explain(&case.check) {
        Ok(None) => Ok(()),
        Ok(Some(tree)) => {
            let reasons = tree.reasons();
            match case.because.iter().find(|wanted| !reasons.contains(wanted)) {
                None => Ok(()),
                Some(wanted) => Err(Box::new(Problem {
                    line: *line,
                    question,
                    expected: format!("because {wanted}"),
                    came: "no such reason".to_owned(),
                    tree: Some(tree),
                })),
            }
        }
        Err(error) => differs(*line, question, "a decision tree", error.to_string()),
    }
}

fn ask_query(placed: &Placed<QueryCase>, surface: &mut dyn Surface) -> Outcome {
    let Placed { line, value: case } = placed;
    let question = case.query.text.clone();
    let came = surface.query(&case.query);
    let wanted = match &case.expect {
        Expect::Error(error) => {
            return compare_error(
                *line,
                question,
                error,
                came.map(|rows| format!("{} rows", rows.rows.len())),
            );
        }
        Expect::Answer(rows) => rows,
    };
    let came = match came {
        Ok(came) => came,
        Err(error) => {
            return differs(
                *line,
                question,
                format!("{} rows", wanted.len()),
                error.to_string(),
            );
        }
    };
    if let Some(difference) = rows_differ(wanted, &came.rows, case.query.order.is_some()) {
        let expected = format!("{} rows", wanted.len());
        return differs(
            *line,
            question,
            expected,
            format!("{} rows\n{difference}", came.rows.len()),
        );
    }
    match case.missing.as_ref().filter(|missing| **missing != came.missing) {
        Some(missing) => differs(
            *line,
            question,
            format!("missing {}", list(missing)),
            format!("missing {}", list(&came.missing)),
        ),
        None => Ok(()),
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}

/// Whether a row's warrant is the one expected.
pub(crate) fn same_warrant(wanted: &Warrant, came: Option<&Warrant>) -> bool {
    came.is_some_and(|came| {
        came.tuple == wanted.tuple && (wanted.policy.is_none() || wanted.policy == came.policy)
    })
}
