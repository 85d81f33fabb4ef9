//! The text of a schema: it is read or refused with places; what was read survives both other forms and can be decided with.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rowgate_engine::{Ambient, Check, Program, Subject, View};
use rowgate_graph::{Graph, Tuple};
use rowgate_policy::{Context, Timestamp};
use rowgate_schema::Diagnostic;
use rowgate_schema::ast::Schema;

fuzz_target!(|text: &str| {
    match rowgate_schema::compile(text) {
        Err(diagnostics) => {
            assert!(
                diagnostics.iter().any(Diagnostic::is_error),
                "refused without an error"
            );
            for diagnostic in &diagnostics {
                rowgate_schema::render(diagnostic, text, "schema", false);
            }
        }
        Ok((model, _)) => {
            let json = rowgate_schema::to_json(model.schema());
            let formatted = rowgate_schema::format(model.schema());
            let again = rowgate_schema::parse(&formatted)
                .schema
                .expect("its canonical form is refused");
            assert_eq!(
                rowgate_schema::to_json(&again),
                json,
                "its canonical form says something else"
            );
            let again = rowgate_schema::from_json(&json)
                .schema
                .expect("its JSON is refused");
            assert_eq!(
                rowgate_schema::to_json(&again),
                json,
                "its JSON says something else"
            );
            rowgate_schema::resolve(again).expect("what was read back has a meaning no more");
            decide(&model);
        }
    }
});

/// Stores a warrant for each relation that takes one and asks for every relation.
fn decide(model: &rowgate_schema::Model) {
    let schema: &Schema = model.schema();
    if schema.types.len() > 8 || schema.types.iter().any(|def| def.relations.len() > 16) {
        return;
    }
    let mut graph = Graph::default();
    let program = Program::compile(model, &mut graph).expect("few names");
    for def in &schema.types {
        for relation in &def.relations {
            for subject in &schema.types {
                for subject_relation in std::iter::once(None).chain(subject.relations.iter().map(Some)) {
                    let subject_relation = subject_relation.map(|relation| relation.name.text.as_str());
                    let (on, to) = (&def.name.text, &subject.name.text);
                    if model.accepts(on, &relation.name.text, to, subject_relation, false) {
                        let tuple = Tuple {
                            resource_type: on,
                            resource_id: "a",
                            relation: &relation.name.text,
                            subject_type: to,
                            subject_id: if subject_relation.is_some() { "a" } else { "b" },
                            subject_relation,
                            policy: None,
                        };
                        graph.create_warrant(&tuple, 0).expect("few warrants");
                    }
                }
            }
        }
    }
    let (context, snapshot) = (Context::new(), graph.snapshot());
    let ambient = Ambient {
        context: &context,
        claims: None,
        now: Timestamp(0),
    };
    let mut view = View::new(&program, &snapshot);
    view.limits.work = 10_000;
    for def in &schema.types {
        for relation in &def.relations {
            for subject in &schema.types {
                let check = Check {
                    resource_type: &def.name.text,
                    resource_id: "a",
                    relation: &relation.name.text,
                    subject: Subject {
                        resource_type: &subject.name.text,
                        id: "b",
                        relation: None,
                    },
                };
                // A limit is a proper answer; a panic is not.
                let _ = view.check(&check, &ambient);
            }
        }
    }
}
