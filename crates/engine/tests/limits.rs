//! Depth, work and cycles: bounded, and never a wrong answer.

#![allow(clippy::unwrap_used)]

use rowgate_engine::{Ambient, Check, EngineError, Limits, Program, Subject, Value, View};
use rowgate_graph::{Graph, Tuple};
use rowgate_policy::{Context, Timestamp};

fn graph(schema: &str) -> (Graph, Program) {
    let (model, _) = rowgate_schema::compile(schema).unwrap();
    let mut graph = Graph::default();
    let program = Program::compile(&model, &mut graph).unwrap();
    (graph, program)
}

fn add(
    graph: &mut Graph,
    resource: (&str, &str),
    relation: &str,
    subject: (&str, &str),
    group: Option<&str>,
) {
    let tuple = Tuple {
        resource_type: resource.0,
        resource_id: resource.1,
        relation,
        subject_type: subject.0,
        subject_id: subject.1,
        subject_relation: group,
        policy: None,
    };
    graph.create_warrant(&tuple, 0).unwrap();
}

fn check(view: &View<'_>, resource: (&str, &str), relation: &str, user: &str) -> Result<Value, EngineError> {
    let context = Context::new();
    let ambient = Ambient {
        context: &context,
        claims: None,
        now: Timestamp(0),
    };
    let subject = Subject {
        resource_type: "user",
        id: user,
        relation: None,
    };
    let check = Check {
        resource_type: resource.0,
        resource_id: resource.1,
        relation,
        subject,
    };
    view.check(&check, &ambient).map(|decision| decision.value)
}

const GROUPS: &str = "version 0.3\ntype user\ntype group\n  relation member [user, group#member]\n";

/// `group:0` contains `group:1` contains … contains `user:ann`.
fn chain(length: usize) -> (Graph, Program) {
    let (mut graph, program) = graph(GROUPS);
    for at in 1..length {
        let (outer, inner) = ((at - 1).to_string(), at.to_string());
        add(
            &mut graph,
            ("group", &outer),
            "member",
            ("group", &inner),
            Some("member"),
        );
    }
    add(
        &mut graph,
        ("group", &(length - 1).to_string()),
        "member",
        ("user", "ann"),
        None,
    );
    (graph, program)
}

#[test]
fn a_chain_as_deep_as_the_limit_is_decided_on_a_small_stack() {
    let run = || {
        let (graph, program) = chain(250);
        let view = View::new(&program, graph.state());
        assert_eq!(check(&view, ("group", "0"), "member", "ann"), Ok(Value::True));
        assert_eq!(check(&view, ("group", "0"), "member", "bob"), Ok(Value::False));
    };
    std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(run)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn a_deeper_chain_is_an_error_and_not_a_no() {
    let (graph, program) = chain(400);
    let view = View::new(&program, graph.state());
    let deep = Err(EngineError::TooDeep {
        limit: Limits::default().depth,
    });
    assert_eq!(check(&view, ("group", "0"), "member", "ann"), deep);
    assert_eq!(check(&view, ("group", "300"), "member", "ann"), Ok(Value::True));
}

/// Sixty groups, each in every other: the number of paths is beyond counting, the work is not.
#[test]
fn groups_that_all_contain_each_other_are_decided_in_little_work() {
    let (mut graph, program) = graph(GROUPS);
    let names: Vec<String> = (0..60).map(|at| at.to_string()).collect();
    for outer in &names {
        for inner in names.iter().filter(|inner| *inner != outer) {
            add(
                &mut graph,
                ("group", outer),
                "member",
                ("group", inner),
                Some("member"),
            );
        }
    }
    let limits = Limits {
        work: 100_000,
        ..Limits::default()
    };
    let view = View {
        limits,
        ..View::new(&program, graph.state())
    };
    assert_eq!(check(&view, ("group", "0"), "member", "ann"), Ok(Value::False));
    add(&mut graph, ("group", "59"), "member", ("user", "ann"), None);
    let view = View {
        limits,
        ..View::new(&program, graph.state())
    };
    for name in &names {
        assert_eq!(check(&view, ("group", name), "member", "ann"), Ok(Value::True));
    }
}

#[test]
fn work_beyond_the_limit_is_an_error() {
    let (graph, program) = chain(200);
    let view = View {
        limits: Limits {
            work: 50,
            ..Limits::default()
        },
        ..View::new(&program, graph.state())
    };
    assert_eq!(
        check(&view, ("group", "0"), "member", "ann"),
        Err(EngineError::TooMuchWork { limit: 50 })
    );
}

/// Such a warrant is refused on writing; this is what happens should one be stored all the same.
#[test]
fn a_stored_paradox_is_unknown() {
    let schema = "version 0.3\ntype user\ntype room\n  relation banned [user, room]\n  relation guest [user]\n  inherit guest if\n    none_of\n      relation banned\n";
    let (mut graph, program) = graph(schema);
    add(&mut graph, ("room", "1"), "banned", ("room", "1"), Some("guest"));
    let view = View::new(&program, graph.state());
    assert_eq!(check(&view, ("room", "1"), "guest", "ann"), Ok(Value::Unknown));
    assert_eq!(check(&view, ("room", "2"), "guest", "ann"), Ok(Value::True));
}

#[test]
fn an_unknown_type_is_an_error_and_an_unknown_relation_is_a_no() {
    let (graph, program) = graph(GROUPS);
    let view = View::new(&program, graph.state());
    assert_eq!(
        check(&view, ("ship", "1"), "member", "ann"),
        Err(EngineError::UnknownType("ship".into()))
    );
    assert_eq!(check(&view, ("group", "1"), "captain", "ann"), Ok(Value::False));
}
