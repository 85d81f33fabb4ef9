//! What differed between what was expected and what came.

use std::fmt;

use crate::run::same_warrant;
use crate::scenario::{ExpectedRow, Scenario};
use crate::surface::Row;
use crate::tree::Node;

/// How a scenario went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The scenario's file.
    pub file: String,
    /// Its name.
    pub name: String,
    /// How many questions it has.
    pub questions: usize,
    /// How many were answered as expected.
    pub right: usize,
    /// What differed.
    pub problems: Vec<Problem>,
}

/// A question that was not answered as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line of the scenario's file.
    pub line: u64,
    /// What was asked.
    pub question: String,
    /// The answer expected.
    pub expected: String,
    /// The answer that came.
    pub came: String,
    /// How it came about.
    pub tree: Option<Node>,
}

impl Report {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        Self {
            file: scenario.file.clone(),
            name: scenario.name.clone(),
            questions: scenario.questions(),
            right: 0,
            problems: Vec::new(),
        }
    }

    pub(crate) fn count(&mut self, outcome: Result<(), Box<Problem>>) {
        match outcome {
            Ok(()) => self.right += 1,
            Err(problem) => self.problems.push(*problem),
        }
    }

    /// Whether every question was asked and answered as expected.
    pub fn passed(&self) -> bool {
        self.problems.is_empty() && self.right == self.questions
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.passed() { '✔' } else { '✖' };
        writeln!(f, "{mark} {} ({}/{})", self.name, self.right, self.questions)?;
        for problem in &self.problems {
            writeln!(f, "  ✖ {}:{}  {}", self.file, problem.line, problem.question)?;
            writeln!(f, "      expected  {}", problem.expected)?;
            writeln!(f, "      came      {}", indented(&problem.came))?;
            if let Some(tree) = &problem.tree {
                for line in tree.to_string().lines() {
                    writeln!(f, "        {line}")?;
                }
            }
        }
        Ok(())
    }
}

fn indented(text: &str) -> String {
    text.replace('\n', "\n        ")
}

/// How two lists of rows differ, a line for each row; `None` when they do not.
pub(crate) fn rows_differ(wanted: &[ExpectedRow], came: &[Row], in_order: bool) -> Option<String> {
    let mut lines = Vec::new();
    let mut left: Vec<&Row> = came.iter().collect();
    for expected in wanted {
        match left.iter().position(|row| row.to_string() == expected.row) {
            None => lines.push(format!("- {}", expected.row)),
            Some(at) => {
                let row = left.remove(at);
                lines.extend(difference(expected, row));
            }
        }
    }
    lines.extend(left.iter().map(|row| format!("+ {row}")));
    if lines.is_empty() && in_order {
        let wanted: Vec<&str> = wanted.iter().map(|row| row.row.as_str()).collect();
        let came: Vec<String> = came.iter().map(ToString::to_string).collect();
        if wanted != came {
            lines.push(format!("in the order {}", came.join(", ")));
        }
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn difference(expected: &ExpectedRow, row: &Row) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(implicit) = expected.implicit.filter(|implicit| *implicit != row.implicit) {
        let word = |implicit| if implicit { "implicit" } else { "explicit" };
        lines.push(format!(
            "~ {row} is {}, not {}",
            word(row.implicit),
            word(implicit)
        ));
    }
    if let Some(warrant) = expected
        .warrant
        .as_ref()
        .filter(|warrant| !same_warrant(warrant, row.warrant.as_ref()))
    {
        let came = row
            .warrant
            .as_ref()
            .map_or("none".to_owned(), ToString::to_string);
        lines.push(format!("~ {row} has the warrant {came}, not {warrant}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(row: &str, implicit: Option<bool>) -> ExpectedRow {
        ExpectedRow {
            row: row.into(),
            implicit,
            warrant: None,
        }
    }

    fn row(object: &str, relation: &str) -> Row {
        Row {
            object: object.parse().unwrap(),
            relation: relation.into(),
            implicit: false,
            warrant: None,
        }
    }

    #[test]
    fn rows_are_compared_as_a_set_unless_an_order_was_asked_for() {
        let came = [row("t:1", "a"), row("t:2", "a")];
        let wanted = [expected("t:2#a", None), expected("t:1#a", Some(false))];
        assert_eq!(rows_differ(&wanted, &came, false), None);
        assert_eq!(
            rows_differ(&wanted, &came, true).unwrap(),
            "in the order t:1#a, t:2#a"
        );
    }

    #[test]
    fn missing_rows_surplus_rows_and_different_rows_are_told_apart() {
        let came = [row("t:1", "a"), row("t:2", "a")];
        let wanted = [expected("t:1#a", Some(true)), expected("t:3#a", None)];
        let difference = rows_differ(&wanted, &came, false).unwrap();
        assert_eq!(difference, "~ t:1#a is explicit, not implicit\n- t:3#a\n+ t:2#a");
    }
}
