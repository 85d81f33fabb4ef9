//! Depth, work and cycles: bounded, and never a wrong answer.

#![allow(clippy::unwrap_used)]

use rowgate_engine::{Ambient, Check, Decision, EngineError, Limits, Program, Subject, Value, View};
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
    add_if(graph, resource, relation, subject, group, None);
}

fn add_if(
    graph: &mut Graph,
    resource: (&str, &str),
    relation: &str,
    subject: (&str, &str),
    group: Option<&str>,
    policy: Option<&str>,
) {
    let tuple = Tuple {
        resource_type: resource.0,
        resource_id: resource.1,
        relation,
        subject_type: subject.0,
        subject_id: subject.1,
        subject_relation: group,
        policy,
    };
    graph.create_warrant(&tuple, 0).unwrap();
}

fn check(view: &View<'_>, resource: (&str, &str), relation: &str, user: &str) -> Result<Value, EngineError> {
    decide(view, resource, relation, user, &Context::new()).map(|decision| decision.value)
}

fn decide(
    view: &View<'_>,
    resource: (&str, &str),
    relation: &str,
    user: &str,
    context: &Context,
) -> Result<Decision, EngineError> {
    let ambient = Ambient {
        context,
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
    view.check(&check, &ambient)
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

const DOCUMENTS: &str = "version 0.3
type user
type doc
  relation viewer [user]
  relation reader []
  inherit reader if
    policy listed
policy listed(items array, wanted integer) {
    any(items, # == wanted)
}
";

/// `{"items": [0, 1, …], "wanted": -1}`
fn items(count: u64) -> Context {
    let items: Vec<u64> = (0..count).collect();
    let context = serde_json::json!({"items": items, "wanted": -1, "role": "manager", "amount": 1});
    context.as_object().unwrap().clone()
}

#[test]
fn what_policies_do_is_work() {
    let (mut graph, program) = graph(DOCUMENTS);
    let (user, ordinary) = (("user", "ann"), "role == 'manager' && amount > 1000");
    for number in 1..=50 {
        let policy = format!("any(items, # == -{number})");
        add_if(&mut graph, ("doc", "heavy"), "viewer", user, None, Some(&policy));
    }
    add_if(&mut graph, ("doc", "light"), "viewer", user, None, Some(ordinary));
    let with = |work: u64| View {
        limits: Limits {
            work,
            ..Limits::default()
        },
        ..View::new(&program, graph.state())
    };
    let view = with(Limits::default().work);
    // Each element takes two steps and more.
    let (few, many) = (items(3), items(2_000));
    let work = |id, relation, context| decide(&view, ("doc", id), relation, "ann", context).unwrap().work;
    assert_eq!(work("light", "viewer", &many), 2);
    assert_eq!(work("light", "reader", &few), 1);
    assert!(work("heavy", "viewer", &many) > 50 * 2 * 2_000 / 16);
    assert!(work("light", "reader", &many) > 2 * 2_000 / 16);
    let limited = with(5_000);
    let too_much = Err(EngineError::TooMuchWork { limit: 5_000 });
    assert_eq!(
        decide(&limited, ("doc", "heavy"), "viewer", "ann", &many),
        too_much
    );
    assert_eq!(
        decide(&limited, ("doc", "heavy"), "viewer", "ann", &few)
            .unwrap()
            .value,
        Value::False
    );
    let limited = with(100);
    let too_much = Err(EngineError::TooMuchWork { limit: 100 });
    assert_eq!(
        decide(&limited, ("doc", "light"), "reader", "ann", &many),
        too_much
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

const CYCLES: &str = "version 0.3
type user
type doc
  relation granted [user]
  relation blocked [user]
  relation head []
  inherit head if
    any_of
      relation turn
      relation granted
  relation turn []
  inherit turn if
    all_of
      relation maybe
      relation blocked
  relation maybe []
  inherit maybe if
    any_of
      relation way
      policy open
  relation way []
  inherit way if
    any_of
      relation end
      relation head
  relation end []
  inherit end if
    any_of
      relation turn
      relation way
  relation allowed []
  inherit allowed if
    all_of
      relation head
      none_of
        relation end
policy open(flag boolean) { flag }
";

/// `turn` is a no whatever `maybe` is, so its no is final; `end` was met on the way and rests on `way`, which rests on `head`.
#[test]
fn a_no_that_is_final_does_not_make_final_what_rests_on_an_outer_cycle() {
    let (mut graph, program) = graph(CYCLES);
    add(&mut graph, ("doc", "1"), "granted", ("user", "ann"), None);
    let view = View::new(&program, graph.state());
    assert_eq!(check(&view, ("doc", "1"), "end", "ann"), Ok(Value::True));
    assert_eq!(check(&view, ("doc", "1"), "allowed", "ann"), Ok(Value::False));
}

fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(run);
    thread.unwrap().join().unwrap();
}

/// Each group is unknown by its own warrant, so the decision itself is shallow; what it depends on is a long chain.
#[test]
fn missing_keys_along_a_chain_of_any_length_fit_on_a_small_stack() {
    on_a_small_stack(|| {
        let (mut graph, program) = graph(GROUPS);
        let tuple = |graph: &mut Graph, outer: usize, subject: (&str, &str), group, policy| {
            let tuple = Tuple {
                resource_type: "group",
                resource_id: &outer.to_string(),
                relation: "member",
                subject_type: subject.0,
                subject_id: subject.1,
                subject_relation: group,
                policy: Some(policy),
            };
            graph.create_warrant(&tuple, 0).unwrap();
        };
        for at in 0..20_000 {
            tuple(&mut graph, at, ("user", "ann"), None, "near");
            let inner = (at + 1).to_string();
            tuple(&mut graph, at, ("group", &inner), Some("member"), "far");
        }
        tuple(&mut graph, 20_000, ("user", "ann"), None, "last");
        let view = View::new(&program, graph.state());
        let context = Context::new();
        let ambient = Ambient {
            context: &context,
            claims: None,
            now: Timestamp(0),
        };
        let check = Check {
            resource_type: "group",
            resource_id: "0",
            relation: "member",
            subject: Subject {
                resource_type: "user",
                id: "ann",
                relation: None,
            },
        };
        let decision = view.check(&check, &ambient).unwrap();
        assert_eq!(decision.value, Value::Unknown);
        assert_eq!(decision.missing, ["far", "last", "near"]);
    });
}

/// Every folder is open by a policy; looking for the warrant to report goes on to its parent.
#[test]
fn a_chain_too_long_to_report_a_warrant_of_is_an_error() {
    on_a_small_stack(|| {
        let schema = "version 0.3\ntype user\ntype folder\n  relation parent [folder]\n  relation viewer [user]\n  inherit viewer if\n    any_of\n      policy open\n      relation viewer on parent [folder]\npolicy open() { true }\n";
        let (mut graph, program) = graph(schema);
        for at in 0..20_000 {
            let (inner, outer) = (at.to_string(), (at + 1).to_string());
            add(&mut graph, ("folder", &inner), "parent", ("folder", &outer), None);
        }
        add(&mut graph, ("folder", "other"), "viewer", ("user", "ann"), None);
        let view = View::new(&program, graph.state());
        let context = Context::new();
        let ambient = Ambient {
            context: &context,
            claims: None,
            now: Timestamp(0),
        };
        let query = rowgate_engine::query::text::parse("select viewer of type user for folder:0").unwrap();
        let limit = Limits::default().depth;
        assert_eq!(
            view.query(&query, &Default::default(), &ambient),
            Err(EngineError::TooDeep { limit })
        );
    });
}

/// A tuple may be stored under any number of policies; each one that is asked is work.
#[test]
fn many_policies_on_one_tuple_are_bounded_work() {
    let (mut graph, program) = graph(GROUPS);
    for number in 0..500 {
        let tuple = Tuple {
            resource_type: "group",
            resource_id: "0",
            relation: "member",
            subject_type: "user",
            subject_id: "ann",
            subject_relation: None,
            policy: Some(&format!("{number} > {number}")),
        };
        graph.create_warrant(&tuple, 0).unwrap();
    }
    let with = |work| View {
        limits: Limits {
            work,
            ..Limits::default()
        },
        ..View::new(&program, graph.state())
    };
    assert_eq!(
        check(&with(1_000), ("group", "0"), "member", "ann"),
        Ok(Value::False)
    );
    assert_eq!(
        check(&with(100), ("group", "0"), "member", "ann"),
        Err(EngineError::TooMuchWork { limit: 100 })
    );
}

/// The list of subjects follows the parents of a resource, however many there are.
#[test]
fn a_list_of_subjects_over_many_parents_is_bounded_work() {
    let schema = "version 0.3\ntype user\ntype folder\n  relation parent [folder]\n  relation viewer [user]\n  inherit viewer if\n    relation viewer on parent [folder]\n";
    let (mut graph, program) = graph(schema);
    for at in 0..500 {
        add(
            &mut graph,
            ("folder", "top"),
            "parent",
            ("folder", &at.to_string()),
            None,
        );
    }
    let context = Context::new();
    let ambient = Ambient {
        context: &context,
        claims: None,
        now: Timestamp(0),
    };
    let query = rowgate_engine::query::text::parse("select viewer of type user for folder:top").unwrap();
    let ask = |work| {
        let limits = Limits {
            work,
            ..Limits::default()
        };
        let view = View {
            limits,
            ..View::new(&program, graph.state())
        };
        view.query(&query, &Default::default(), &ambient)
            .map(|rows| rows.rows.len())
    };
    assert_eq!(ask(10_000), Ok(0));
    assert_eq!(ask(400), Err(EngineError::TooMuchWork { limit: 400 }));
}
