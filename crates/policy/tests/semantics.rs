//! What expressions mean: the measured table of the dialect, with the answers of a three-valued reading.

mod common;

use common::{NOW, answer, context, eval, show};
use rowgate_policy::{Env, ErrorCode, Outcome, Param, ParamType, Policy};

#[test]
fn measured_table() {
    for (source, json, expected) in [
        // A missing variable is unknown, under a negation as well.
        (r#"tenant == "a""#, "{}", "unknown tenant"),
        (r#"a != "x""#, "{}", "unknown a"),
        (r#"!(a == "x")"#, "{}", "unknown a"),
        ("a == nil", "{}", "unknown a"),
        // An ill-typed one too.
        (r#"tenant == "a""#, r#"{"tenant": 1}"#, "unknown tenant"),
        (r#"tenant != "a""#, r#"{"tenant": 1}"#, "unknown tenant"),
        ("tenantId == 123", r#"{"tenantId": 123}"#, "true"),
        ("tenantId == 123", r#"{"tenantId": 123.0}"#, "true"),
        ("tenantId == 123", r#"{"tenantId": "123"}"#, "unknown tenantId"),
        // A missing member is missing, reported by its path.
        (r#"user.ip == "1""#, r#"{"user": {}}"#, "unknown user.ip"),
        (r#"user.ip != "1""#, r#"{"user": {}}"#, "unknown user.ip"),
        (r#"user.ip == "1""#, "{}", "unknown user"),
        (r#"user.a.b == "1""#, r#"{"user": {}}"#, "unknown user.a"),
        // `?.` and `??` handle absence in the open.
        (r#"user.a?.b == "1""#, r#"{"user": {}}"#, "false"),
        (r#"user?.a?.b == nil"#, "{}", "true"),
        (r#"user?.a.b.c == nil"#, "{}", "true"),
        (r#"user?.a.b == nil"#, r#"{"user": {}}"#, "unknown user.a.b"),
        ("a ?? false", "{}", "false"),
        ("a ?? true", "{}", "true"),
        ("user.ok ?? true", r#"{"user": {}}"#, "true"),
        ("user.ok ?? true", r#"{"user": {"ok": null}}"#, "true"),
        ("user.ok ?? true", r#"{"user": {"ok": false}}"#, "false"),
        ("(a == 1) ?? true", "{}", "unknown a"),
        ("let b = a == 1; b ?? true", "{}", "unknown a"),
        ("let b = a; b ?? true", "{}", "true"),
        (r#"(x.y ?? "d") == "d""#, "{}", "true"),
        // Ill-typed members.
        ("user.n > 30", r#"{"user": {}}"#, "unknown user.n"),
        ("user.n > 30", r#"{"user": {"n": "45"}}"#, "unknown user.n"),
        ("user.n == true", r#"{"user": {"n": 1}}"#, "unknown user.n"),
        ("user.n == 1", r#"{"user": {"n": "1"}}"#, "unknown user.n"),
        ("user.n != 1", r#"{"user": {"n": "1"}}"#, "unknown user.n"),
        (
            r#"user.email endsWith "x""#,
            r#"{"user": {}}"#,
            "unknown user.email",
        ),
        (
            r#"user.email endsWith "x""#,
            r#"{"user": {"email": null}}"#,
            "false",
        ),
        (
            r#"user.email endsWith "x""#,
            r#"{"user": {"email": 5}}"#,
            "unknown user.email",
        ),
        (r#""a" in user.roles"#, r#"{"user": {}}"#, "unknown user.roles"),
        (
            r#""a" not in user.roles"#,
            r#"{"user": {}}"#,
            "unknown user.roles",
        ),
        (r#""a" in user.roles"#, r#"{"user": {"roles": null}}"#, "false"),
        (
            r#""a" in user.roles"#,
            r#"{"user": {"roles": "abc"}}"#,
            "unknown user.roles",
        ),
        ("1 in user.roles", r#"{"user": {"roles": [1, 2]}}"#, "true"),
        ("3 in user.roles", r#"{"user": {"roles": [1, 2]}}"#, "false"),
        (
            r#""1" not in user.roles"#,
            r#"{"user": {"roles": [1, 2]}}"#,
            "unknown user.roles",
        ),
        (
            r#""1" not in user.roles"#,
            r#"{"user": {"roles": [1, "2"]}}"#,
            "true",
        ),
        (r#"x not in [1, 2]"#, r#"{"x": "1"}"#, "unknown x"),
        (r#"x in ["a", y]"#, r#"{"x": "a"}"#, "true"),
        (r#"x in [y, "a"]"#, r#"{"x": "a"}"#, "true"),
        (r#"x not in ["a", y]"#, r#"{"x": "b"}"#, "unknown y"),
        // Numbers of a JSON document are integers when they can be.
        ("x % 2 == 0", r#"{"x": 4}"#, "true"),
        ("x % 2 == 0", r#"{"x": 4.0}"#, "true"),
        ("x % 2 == 0", r#"{"x": 4.5}"#, "unknown x"),
        ("int(x) % 2 == 0", r#"{"x": 4}"#, "true"),
        ("x % 0 == 0", r#"{"x": 4}"#, "unknown x"),
        ("x / 0 > 1", r#"{"x": 4}"#, "unknown x"),
        ("x + 9223372036854775807 > 0", r#"{"x": 4}"#, "unknown x"),
        // The result must be a boolean.
        ("flag", r#"{"flag": "true"}"#, "unknown flag"),
        ("flag", r#"{"flag": null}"#, "unknown flag"),
        ("flag", r#"{"flag": true}"#, "true"),
        ("m.flag", r#"{"m": {}}"#, "unknown m.flag"),
        ("m.flag", r#"{"m": {"flag": "x"}}"#, "unknown m.flag"),
        ("not m.a", r#"{"m": {}}"#, "unknown m.a"),
        // Logic is Kleene's, in any order.
        ("false && missing > 3", "{}", "false"),
        ("missing > 3 && false", "{}", "false"),
        ("true || missing > 3", "{}", "true"),
        ("missing > 3 || true", "{}", "true"),
        ("true && missing > 3", "{}", "unknown missing"),
        ("missing > 3 || false", "{}", "unknown missing"),
        ("not (missing > 3)", "{}", "unknown missing"),
        ("b == 1 && a == 1", "{}", "unknown a b"),
        ("a == b", "{}", "unknown a b"),
        ("missing ? true : true", "{}", "unknown missing"),
        ("any([1, 2], # == x || # == 2)", "{}", "true"),
        ("all([1, 2], # == x && # == 2)", "{}", "false"),
        ("all([2], # == x && # == 2)", "{}", "unknown x"),
        ("all([1, 3], # == 1 || # == x)", "{}", "unknown x"),
        ("none([1, 3], # == 1 || x)", "{}", "false"),
        ("none([1, 3], # == x)", "{}", "unknown x"),
        ("count([1, 3], # == x) >= 0", "{}", "unknown x"),
        // Indexes.
        ("x.y[0] == 1", r#"{"x": {"y": []}}"#, "unknown x.y"),
        ("x.y[-1] == 1", r#"{"x": {"y": [2, 1]}}"#, "true"),
        ("x.y?.[0] == nil", r#"{"x": {"y": []}}"#, "true"),
        ("(x.y[0] ?? 7) == 7", r#"{"x": {"y": []}}"#, "true"),
        // Equality is deep.
        (
            "a == b",
            r#"{"a": {"x": [1, 2.0]}, "b": {"x": [1.0, 2]}}"#,
            "true",
        ),
        ("a == b", r#"{"a": [1, "2"], "b": [1, 2]}"#, "false"),
        (r#"x > "a""#, r#"{"x": "b"}"#, "true"),
        ("x > 1", r#"{"x": true}"#, "unknown x"),
        ("x > 1", r#"{"x": null}"#, "unknown x"),
        ("x == nil", r#"{"x": null}"#, "true"),
        ("x != 1", r#"{"x": null}"#, "true"),
        // Presence.
        (r#""k" in $env"#, "{}", "false"),
        (r#""k" in $env"#, r#"{"k": 1}"#, "true"),
        (r#"$env["odd name"] == 1"#, r#"{"odd name": 1}"#, "true"),
        (r#"$env["odd name"] == 1"#, "{}", "unknown odd name"),
        (r#"$env?.k == nil"#, "{}", "true"),
        (r#"get($env, "k") == nil"#, "{}", "true"),
        (r#"get(user, "k") == nil"#, r#"{"user": {}}"#, "true"),
        (r#"get(user, "k") == nil"#, "{}", "unknown user"),
        (r#""k" in user"#, r#"{"user": {}}"#, "false"),
        (
            r#"user["a b"].c == 1"#,
            r#"{"user": {"a b": {}}}"#,
            r#"unknown user["a b"].c"#,
        ),
    ] {
        assert_eq!(answer(source, json), expected, "{source} with {json}");
    }
}

#[test]
fn precedence_and_grouping() {
    common::all_true(&[
        "1 + 2 * 3 == 7",
        "(1 + 2) * 3 == 9",
        "2 ** 3 ** 2 == 512",
        "2 ^ 3 == 8",
        "-2 ** 2 == -4",
        "2 ** -1 == 0.5",
        "7 - 2 - 1 == 4",
        "10 / 4 == 2.5",
        "-7 % 3 == -1",
        "true || false && false",
        "not false and true",
        "not (1 == 2)",
        "!true == false",
        "1 + 1 in [2]",
        "1..3 == [1, 2, 3]",
        "1 + 1..3 == [2, 3]",
        "3..1 == []",
        "1 < 2 < 3",
        "not (1 < 3 < 2)",
        "1 < 2 <= 2 < 3",
        "(true ? 1 : 2) == 1",
        "false ? 1 == 2 : true ? 2 == 2 : false",
        "(nil ?? 1) + 1 == 2",
        "nil ?? nil ?? true",
        "if n > 3 { true } else { false }",
        "if n > 9 { false } else if n > 3 { true } else { false }",
        "let a = 1; let b = a + 1; a + b == 3",
        "let a = (let b = 1; b + 1); a == 2",
        "tags | len() == 2",
        "(tags | map(upper(#)) | join(\"-\")) == \"A-B\"",
        "\"c\" not in tags",
        "\"abc\" not contains \"d\"",
        "\"abc\" not matches \"^b\"",
        "\"abc\" not startsWith \"b\" and \"abc\" not endsWith \"b\"",
        "true ?: false",
        "// a comment\n true /* and */ && true // another",
    ]);
}

#[test]
fn literals() {
    common::all_true(&[
        "0xff == 255 and 0b11 == 3 and 0o17 == 15 and 1_000 == 1000",
        "1e3 == 1000 and .5 == 0.5",
        r#"'it\'s' == "it's" and "\u00e9\x41\n" == `éA` + "\n""#,
        "`raw \\n` == \"raw \\\\n\"",
        "[1, 2,] == [1, 2] and {a: 1, 'b c': 2, (\"d\" + \"e\"): 3,} == {de: 3, \"b c\": 2, a: 1}",
        "{a: [1, {b: 2}]}.a[1].b == 2",
        "{a: 1}.a + [5][0] == 6",
        "\"größe\"[0:2] == \"gr\" and \"größe\"[2:] == \"öße\" and \"größe\"[-1:] == \"e\"",
        "[1, 2, 3][1:] == [2, 3] and [1, 2, 3][:-1] == [1, 2] and [1, 2][5:] == []",
        "tags[0] == \"a\" and tags[1:][0] == \"b\"",
    ]);
}

#[test]
fn words_that_begin_with_keywords_are_names() {
    for name in [
        "notes",
        "not_before",
        "nilable",
        "truest",
        "falsey",
        "inbox",
        "order",
        "android",
        "letter",
        "iffy",
        "elsewhere",
        "matchesAll",
        "containsX",
        "origin",
        "größe",
        "名前",
        "_x",
        "x1",
    ] {
        let json = format!(r#"{{"{name}": "v"}}"#);
        assert_eq!(answer(&format!("{name} == \"v\""), &json), "true", "{name}");
        assert_eq!(
            answer(&format!("not ({name} == \"v\")"), &json),
            "false",
            "{name}"
        );
    }
    for member in [
        "in", "matches", "not", "let", "if", "true", "nil", "contains", "or",
    ] {
        let json = format!(r#"{{"a": {{"{member}": 1}}}}"#);
        assert_eq!(
            answer(&format!("a.{member} == 1 and a?.{member} == 1"), &json),
            "true",
            "{member}"
        );
    }
    // A function's name is a variable where it is not called.
    for name in ["count", "date", "type", "now", "first", "len", "max"] {
        assert_eq!(
            answer(&format!("{name} == 1"), &format!(r#"{{"{name}": 1}}"#)),
            "true",
            "{name}"
        );
    }
}

#[test]
fn predicates_see_the_element_and_the_variables() {
    let json =
        r#"{"users": [{"name": "ann", "age": 30}, {"name": "bob", "age": 20}], "name": "outer", "min": 25}"#;
    for (source, expected) in [
        ("map(users, .name) == [\"ann\", \"bob\"]", "true"),
        ("any(users, .age > min)", "true"),
        ("all(users, .age > min)", "false"),
        ("any(users, {.name == name})", "false"),
        ("filter(users, #.age < min)[0].name == \"bob\"", "true"),
        ("map(users, #index) == [0, 1]", "true"),
        ("any(users, any(users, .age == 20))", "true"),
        ("any(users, {let a = .age; a == 20})", "true"),
        ("any(users, .email == 1)", "unknown users"),
        ("none(users, .email == 1)", "unknown users"),
        ("any(users, .email?.x == nil)", "true"),
        ("any(users, #?.email == nil)", "true"),
        ("reduce(users, #acc + .age, 0) == 50", "true"),
    ] {
        assert_eq!(answer(source, json), expected, "{source}");
    }
}

#[test]
fn a_schema_policy_reads_its_typed_parameters() {
    let params = [
        Param::new("s", ParamType::String),
        Param::new("i", ParamType::Integer),
        Param::new("b", ParamType::Boolean),
        Param::new("f", ParamType::Float),
        Param::new("a", ParamType::Array),
        Param::new("m", ParamType::Map),
    ];
    for (source, json, expected) in [
        ("i % 86400 == 4", r#"{"i": 4}"#, "true"),
        ("i % 86400 == 4", r#"{"i": 4.0}"#, "true"),
        ("i == 4", r#"{"i": 4.5}"#, "unknown i"),
        ("i != 4", r#"{"i": 4.5}"#, "unknown i"),
        ("i == 4", r#"{"i": "4"}"#, "unknown i"),
        ("i == 4", "{}", "unknown i"),
        ("i == nil", r#"{"i": null}"#, "unknown i"),
        ("(i ?? 4) == 4", r#"{"i": null}"#, "true"),
        ("(i ?? 4) == 4", r#"{"i": "x"}"#, "unknown i"),
        ("f == 4", r#"{"f": 4}"#, "true"),
        ("type(f) == 'float'", r#"{"f": 4}"#, "true"),
        ("f > 4", r#"{"f": true}"#, "unknown f"),
        ("s == 'x'", r#"{"s": 1}"#, "unknown s"),
        ("b", r#"{"b": true}"#, "true"),
        ("b", r#"{"b": 1}"#, "unknown b"),
        ("1 in a", r#"{"a": [1]}"#, "true"),
        ("1 in a", r#"{"a": {}}"#, "unknown a"),
        ("m.x == 1", r#"{"m": {"x": 1}}"#, "true"),
        ("m.x == 1", r#"{"m": []}"#, "unknown m"),
        (r#""i" in $env"#, "{}", "false"),
        (r#"$env.i == 4 and $env["i"] == 4"#, r#"{"i": 4.0}"#, "true"),
    ] {
        let policy = Policy::compile_schema(&params, source).unwrap_or_else(|e| panic!("{source}: {e}"));
        let context = context(json);
        assert_eq!(
            show(&policy.eval(&Env::new(&context, NOW))),
            expected,
            "{source} with {json}"
        );
    }
    let policy = Policy::compile_schema(&params, "m.x == s").unwrap();
    assert_eq!(policy.context_keys(), ["m", "s"]);
    assert_eq!(policy.unused_parameters(), ["i", "b", "f", "a"]);
    for source in [
        "x == 1",
        "$env.x == 1",
        r#""x" in $env"#,
        "len($env) == 1",
        "$env?.i == 1",
    ] {
        let error = Policy::compile_schema(&params, source).expect_err(source);
        assert!(
            matches!(error.code, ErrorCode::Undeclared | ErrorCode::Type),
            "{source}: {error}"
        );
    }
}

#[test]
fn unknown_messages_say_what_is_wrong() {
    for (source, json, expected) in [
        ("amount <= 1000", "{}", "`amount` is missing"),
        (
            "amount <= 1000",
            r#"{"amount": "x"}"#,
            "`amount <= 1000`: `amount` is a string, expected a number",
        ),
        (
            "1000 >= amount",
            r#"{"amount": "x"}"#,
            "`1000 >= amount`: `amount` is a string, expected a number",
        ),
        ("u.n > 3", r#"{"u": {}}"#, "`u.n` is missing"),
        (
            "u.n.m > 3",
            r#"{"u": {"n": null}}"#,
            "`u.n.m` is missing: `u.n` is nil",
        ),
        (
            "u.n.m > 3",
            r#"{"u": {"n": 1}}"#,
            "`u.n.m`: `u.n` is a number, expected a map",
        ),
        (
            "x[3] == 1",
            r#"{"x": [1]}"#,
            "`x[3]`: the index 3 is outside the array of 1",
        ),
        ("x", r#"{"x": 1}"#, "`x` is a number, expected a boolean"),
        ("x % 0 == 1", r#"{"x": 1}"#, "`x % 0`: division by zero"),
        (
            "x matches y",
            r#"{"x": "a", "y": "("}"#,
            "`x matches y`: invalid regular expression: unclosed group",
        ),
    ] {
        match eval(source, json) {
            Outcome::Unknown(unknown) => assert_eq!(unknown.message, expected, "{source}"),
            other => panic!("{source}: {other:?}"),
        }
    }
}
