//! Bombs: every one is refused or ends as unknown, quickly, on a small stack.

mod common;

use std::fmt::Write;
use std::time::{Duration, Instant};

use common::{NOW, context};
use rowgate_policy::{Env, ErrorCode, Outcome, Policy};

/// Runs on the smallest stack the engine promises, in whatever build this is.
#[allow(clippy::unwrap_used)]
fn small_stack<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(512 * 1024).spawn(test);
    thread.unwrap().join().unwrap()
}

fn result(source: &str) -> Result<Outcome, ErrorCode> {
    let context = context(r#"{"x": 1, "s": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "m": {"a": 1}, "t": true}"#);
    let policy = Policy::compile_warrant(source).map_err(|error| error.code)?;
    let env = Env::new(&context, NOW);
    let explanation = policy.explain(&env);
    assert_eq!(explanation.outcome, policy.eval(&env));
    Ok(explanation.outcome)
}

#[test]
fn bombs_are_harmless() {
    let bombs: Vec<String> = vec![
        "(".repeat(5_000) + "true" + &")".repeat(5_000),
        "(".repeat(5_000),
        "[".repeat(5_000),
        "{a:".repeat(5_000),
        "!".repeat(5_000) + "t",
        "-".repeat(5_000) + "1 == 1",
        "1".to_owned() + &"+1".repeat(7_000) + " == 1",
        "1".to_owned() + &"+1".repeat(100_000) + " == 1",
        "2".to_owned() + &"**2".repeat(5_000) + " == 1",
        "m".to_owned() + &"?.a".repeat(5_000) + " == 1",
        "m".to_owned() + &".a".repeat(5_000) + " == 1",
        "m".to_owned() + &"[0]".repeat(5_000) + " == 1",
        "t ? ".repeat(3_000) + "t" + &" : t".repeat(3_000),
        "if t {".repeat(2_000) + "t",
        "1 < (".repeat(90) + "1" + &" < 2)".repeat(90),
        "(".repeat(40) + "t" + &" ?: t)".repeat(40),
        "1 < (".repeat(30) + "1" + &" < 2) < 3".repeat(30),
        "any(1..9, ".repeat(1_000) + "t" + &")".repeat(1_000),
        "let a = ".repeat(2_000) + "t",
        "1..9223372036854775807 == [1]".to_owned(),
        "1..100000000 == 1..100000000".to_owned(),
        "len(1..9223372036854775807) > 0 && any(1..9223372036854775807, # < 0)".to_owned(),
        "(0 - 9223372036854775807)..9223372036854775807 == []".to_owned(),
        "findLast(1..9223372036854775807, # == 0) == 1".to_owned(),
        "reverse(1..9223372036854775807) == []".to_owned(),
        "reduce(1..40, #acc + #acc, 'a') == 'a'".to_owned(),
        "reduce(1..1000, concat(#acc, #acc), [1]) == []".to_owned(),
        "reduce(1..50000, [#acc], []) == []".to_owned(),
        "reduce(1..50000, {a: #acc}, {}) == {}".to_owned(),
        "any(1..1000, any(1..1000, any(1..1000, any(1..1000, # < 0))))".to_owned(),
        "repeat('a', 9223372036854775807) == ''".to_owned(),
        "repeat(repeat('a', 90000), 90000) == ''".to_owned(),
        "replace(repeat('a', 300), '', repeat('b', 300)) == ''".to_owned(),
        "reduce(1..100, toJSON([#acc, #acc]), 'a') == ''".to_owned(),
        "reduce(1..100, toBase64(#acc + #acc), 'a') == ''".to_owned(),
        "len(uniq(1..9000)) == 1".to_owned(),
        "any(1..100000, s matches s + string(#))".to_owned(),
        "any(1..100000, s matches '(a*)*(a*)*(a*)*b')".to_owned(),
        "let a = '{\"a\":'; fromJSON(repeat(a, 100) + '1' + repeat('}', 100)) == 1".to_owned(),
        "groupBy(1..9000, #) == {}".to_owned(),
        lets("x + x", "{0} + {0}", "{0} > 0"),
        lets("x == 2", "{0} || {0}", "{0}"),
        lets("x == 2", "{0} && {0}", "{0}"),
        lets("x == 2", "{0}", "{0}"),
        lets("m.b", "{0}", "{0} == 1"),
        lets("m", "{0}", "{0}.a == 2"),
    ];
    for bomb in bombs {
        let shown: String = bomb.chars().take(50).collect();
        let start = Instant::now();
        let result = small_stack(move || result(&bomb));
        let took = start.elapsed();
        assert!(took < Duration::from_secs(5), "{shown} took {took:?}");
        assert!(!matches!(result, Ok(Outcome::True)), "{shown}: {result:?}");
    }
}

/// As many bindings as the limits allow, each in terms of the one before.
fn lets(first: &str, next: &str, last: &str) -> String {
    let count = 600;
    let mut source = format!("let v0 = {first}; ");
    for i in 1..count {
        let _ = write!(
            source,
            "let v{i} = {}; ",
            next.replace("{0}", &format!("v{}", i - 1))
        );
    }
    source + &last.replace("{0}", &format!("v{}", count - 1))
}

#[test]
fn what_people_write_stays_within_the_limits() {
    let ors: Vec<String> = (0..300).map(|i| format!("x == {}", 300 - i)).collect();
    let list: Vec<String> = (0..3_000).map(|i| i.to_string()).collect();
    let sources = vec![
        ors.join(" || "),
        format!("x in [{}]", list.join(",")),
        "(".repeat(60) + "t" + &")".repeat(60),
        "t && (".repeat(30) + "t" + &")".repeat(30),
        "1 + (".repeat(25) + "1" + &")".repeat(25) + " == 26",
        "1".to_owned() + &"+1".repeat(60) + " == 61",
        "!".repeat(60) + "t",
        "t ? ".repeat(40) + "t" + &" : t".repeat(40),
        "any(1..2, any(1..2, any(1..2, any(1..2, any(1..2, # == 1)))))".to_owned(),
        "let a = 1; ".to_owned() + "a == 1",
    ];
    for source in sources {
        let shown: String = source.chars().take(50).collect();
        assert_eq!(small_stack(move || result(&source)), Ok(Outcome::True), "{shown}");
    }
}

/// The highest tree of every kind evaluates, explains and drops on a small stack.
#[test]
fn the_highest_trees_fit_the_stack() {
    let nested = |open: &str, core: &str, close: &str, end: &str| {
        let trees = (1..100)
            .rev()
            .map(|n| open.repeat(n) + core + &close.repeat(n) + end);
        trees
            .into_iter()
            .find(|source| Policy::compile_warrant(source).is_ok())
            .expect(open)
    };
    let trees = [
        nested("any([1], ", "x == 2", ")", ""),
        nested("(t && ", "x == 2", ")", ""),
        nested("not (", "t", ")", ""),
        nested("t ? ", "x == 2", " : t", ""),
        nested("if t { ", "x == 2", " } else { t }", ""),
        nested("[", "x", "]", " == [x]"),
        nested("{a: ", "x", "}", " == {a: x}"),
        nested("(", "x", " + 1)", " == 2"),
        nested("(x ?? ", "t", ")", ""),
        nested("m.b?.[", "x", "]", " == 2"),
        nested("string(", "x", ")", " == 'x'"),
        nested("max(", "x", ", 2)", " == 1"),
        nested("now().Add(duration(string(", "x", ")))", " == now()"),
        nested("x | max(", "x", ")", " == 2"),
        "fromJSON('".to_owned() + &"[".repeat(127) + &"]".repeat(127) + "') == 1",
    ];
    for tree in trees {
        let shown: String = tree.chars().take(50).collect();
        let outcome = small_stack(move || result(&tree));
        assert!(
            outcome.is_ok() || outcome == Err(ErrorCode::Type),
            "{shown}: {outcome:?}"
        );
    }
}

/// JSON that is deeper than any parser would accept, built in memory.
#[test]
fn deep_context_values_are_unknown() {
    small_stack(|| {
        let mut deep = serde_json::json!(1);
        for _ in 0..120 {
            deep = serde_json::json!([deep]);
        }
        let mut context = rowgate_policy::Context::new();
        context.insert("a".to_owned(), deep.clone());
        context.insert("b".to_owned(), deep);
        for source in [
            "a == b",
            "toJSON(a) == ''",
            "len(flatten(a)) == 1",
            "uniq([a, b]) == []",
            "a in [b]",
        ] {
            let outcome = common::compile(source).eval(&Env::new(&context, NOW));
            assert!(matches!(outcome, Outcome::Unknown(_)), "{source}: {outcome:?}");
        }
        let explanation = common::compile("len(a) == 2").explain(&Env::new(&context, NOW));
        assert!(explanation.outcome.is_false());
    });
}

/// Work over large values of the context is paid for by their size.
#[test]
fn large_context_values_are_bounded() {
    let mut context = rowgate_policy::Context::new();
    context.insert("big".to_owned(), "a".repeat(1_000_000).into());
    context.insert("list".to_owned(), (0..200_000).collect::<Vec<_>>().into());
    let map: serde_json::Map<_, _> = (0..3_000).map(|i| (format!("k{i}"), i.into())).collect();
    context.insert("map".to_owned(), map.into());
    for source in [
        "any(1..1000, big contains 'b' || big == 'x' + big)",
        "sort(map(1..1000, big)) == []",
        "sortBy(1..1000, big) == []",
        "groupBy(1..1000, big) == {}",
        "any(1..1000, big matches 'b$')",
        "any(1..1000, int(big) > 1 || date(big) > now())",
        "any(1..1000, len(big) < 0)",
        "uniq(map(1..1000, big + '')) == []",
        "any(1..1000, trim(big, big) == 'b')",
        "uniq(list) == []",
        "sum(list) < 0",
    ] {
        let start = Instant::now();
        let outcome = common::compile(source).eval(&Env::new(&context, NOW));
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "{source} took {:?}",
            start.elapsed()
        );
        assert!(matches!(outcome, Outcome::Unknown(_)), "{source}: {outcome:?}");
    }
    for source in [
        "map == map",
        "199999 in list[-10:]",
        "hasPrefix(big, 'aa')",
        "len(list) == 200000",
    ] {
        let outcome = common::compile(source).eval(&Env::new(&context, NOW));
        assert_eq!(outcome, Outcome::True, "{source}");
    }
}

#[test]
fn a_policy_is_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Policy>();
}
