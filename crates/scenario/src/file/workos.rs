//! Test files of the WorkOS command line: `setup`, `tests`, `teardown`. They bring no schema.

use std::collections::HashSet;

use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::ReadError;
use crate::notation::{Object, Subject, Tuple, Warrant};
use crate::scenario::{Check, CheckCase, Expect, JsonObject, Placed, Scenario, Stage, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    setup: Setup,
    tests: Vec<Spanned<Test>>,
    #[serde(default)]
    teardown: Teardown,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Setup {
    #[serde(default)]
    warrants: Vec<Spanned<WarrantEntry>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Teardown {
    #[serde(default)]
    resources: Vec<Spanned<Object>>,
    #[serde(default)]
    warrants: Vec<Spanned<WarrantEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WarrantEntry {
    subject: Subject,
    relation: String,
    resource: Object,
    policy: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    name: String,
    check: CheckEntry,
    expect: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckEntry {
    subject: Subject,
    relation: String,
    resource: Object,
    context: Option<JsonObject>,
}

pub(super) fn parse(file: &str, text: &str) -> Result<Scenario, ReadError> {
    let from: File = super::from_yaml(file, text)?;
    let mut names = HashSet::new();
    let mut checks = Vec::new();
    for Spanned {
        value: test,
        referenced,
        ..
    } in from.tests
    {
        let line = referenced.line();
        if !names.insert(test.name.clone()) {
            let message = format!(
                "there are two tests called `{}`; give each its own name",
                test.name
            );
            return Err(ReadError::new(file, Some(line), message));
        }
        checks.push(Placed {
            line,
            value: test.into_case(),
        });
    }
    if checks.is_empty() {
        return Err(ReadError::new(
            file,
            None,
            "there are no `tests`; add one with `name`, `check` and `expect`",
        ));
    }
    let asked = Stage {
        warrants: warrants(from.setup.warrants),
        checks,
        ..Stage::default()
    };
    let mut stages = vec![asked];
    // Warrants first: deleting a resource deletes its warrants.
    let delete_warrants = warrants(from.teardown.warrants);
    if !delete_warrants.is_empty() {
        stages.push(Stage {
            delete_warrants,
            ..Stage::default()
        });
    }
    let resources = from.teardown.resources.into_iter();
    let delete_resources: Vec<_> = resources
        .map(|at| Placed {
            line: at.referenced.line(),
            value: at.value,
        })
        .collect();
    if !delete_resources.is_empty() {
        stages.push(Stage {
            delete_resources,
            ..Stage::default()
        });
    }
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file).to_owned();
    Ok(Scenario {
        file: file.to_owned(),
        name,
        about: None,
        stages,
    })
}

fn warrants(from: Vec<Spanned<WarrantEntry>>) -> Vec<Placed<Warrant>> {
    from.into_iter()
        .map(|entry| Placed {
            line: entry.referenced.line(),
            value: entry.value.into_warrant(),
        })
        .collect()
}

impl WarrantEntry {
    fn into_warrant(self) -> Warrant {
        let tuple = Tuple {
            resource: self.resource,
            relation: self.relation,
            subject: self.subject,
        };
        Warrant {
            tuple,
            policy: self.policy,
        }
    }
}

impl Test {
    fn into_case(self) -> CheckCase {
        let CheckEntry {
            subject,
            relation,
            resource,
            context,
        } = self.check;
        CheckCase {
            name: Some(self.name),
            check: Check {
                tuple: Tuple {
                    resource,
                    relation,
                    subject,
                },
                context: context.unwrap_or_default(),
                claims: None,
            },
            expect: Expect::Answer(if self.expect { Value::True } else { Value::False }),
            implicit: None,
            missing: None,
            because: Vec::new(),
        }
    }
}
