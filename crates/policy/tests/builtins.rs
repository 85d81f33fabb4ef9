//! The built-in functions, a table per family.

mod common;

use common::{CHECK, NOW, Store, WARRANT, all_true, context, never_true, show};
use rowgate_policy::{Context, Env, Policy, Timestamp};

#[test]
fn predicates() {
    all_true(&[
        "all(1..3, # > 0) and all([], false)",
        "any(1..3, # == 2) and not any([], true)",
        "none(1..3, # > 3) and none([], true)",
        "one(1..3, # == 2) and not one(1..3, # > 1) and not one([], true)",
        "filter(1..6, # % 2 == 0) == [2, 4, 6]",
        "map(1..3, {# * 10}) == [10, 20, 30]",
        "find(1..9, # > 4) == 5 and find([1], # > 4) == nil",
        "findIndex(1..9, # > 4) == 4 and findIndex([1], # > 4) == nil",
        "findLast(1..9, # < 4) == 3 and findLastIndex(1..9, # < 4) == 2",
        "count(1..9, # > 4) == 5 and count([true, false, true]) == 2",
        "sum(1..4) == 10 and sum([]) == 0 and sum([1, 0.5]) == 1.5 and sum(tags, len(#)) == 2",
        "groupBy(1..5, # % 2 == 0 ? \"even\" : \"odd\") == {odd: [1, 3, 5], even: [2, 4]}",
        "groupBy(1..5, # % 2)[1] == [1, 3, 5]",
        "sortBy([{a: 2}, {a: 1}], .a)[0].a == 1",
        "sortBy([{a: 2}, {a: 1}], .a, \"desc\")[0].a == 2",
        "reduce(1..4, #acc + #) == 10 and reduce([], #acc + #, 7) == 7",
        "reduce(1..3, #acc + #index, 0) == 3",
    ]);
    never_true(&[
        "filter(tags, #) == []",
        "all(word, true)",
        "reduce([], #acc) == 1",
        "sortBy([1, \"a\"], #) == []",
        "sum(tags) == 0",
        "groupBy(tags, [#]) == {}",
        "map(tags, # + 1) == []",
        "count(tags) == 1",
        "sortBy(tags, #, word) == tags",
    ]);
}

#[test]
fn conversions() {
    all_true(&[
        "len(tags) == 2 and len(\"größe\") == 5 and len({a: 1}) == 1 and len(1..1000000000000) == 1000000000000",
        "map([nil, true, 1, 1.5, \"\", [], {}, now(), duration(\"1s\")], type(#)) == [\"nil\", \"bool\", \"int\", \
         \"float\", \"string\", \"array\", \"map\", \"time.Time\", \"time.Duration\"]",
        "int(4.9) == 4 and int(-4.9) == -4 and int(\"42\") == 42 and int(n) == 4",
        "float(\"1.5\") == 1.5 and float(2) == 2",
        "string(4) == \"4\" and string(4.5) == \"4.5\" and string(true) == \"true\" and string(\"a\") == \"a\"",
        "string([1, \"a\"]) == `[1, \"a\"]` and string(duration(\"90m\")) == \"1h30m0s\"",
        "toJSON({b: [1, 2.5, nil], a: \"x\\ny\"}) == \"{\\n  \\\"a\\\": \\\"x\\\\ny\\\",\\n  \\\"b\\\": [\\n    1,\\n    2.5,\\n    null\\n  ]\\n}\"",
        "toJSON([]) == \"[]\" and toJSON({}) == \"{}\"",
        "fromJSON(`{\"a\": [1, {\"b\": \"c\"}]}`).a[1].b == \"c\"",
        "fromJSON(toJSON(user)) == user",
        "toBase64(\"hello\") == \"aGVsbG8=\" and fromBase64(\"aGVsbG8=\") == \"hello\"",
    ]);
    never_true(&[
        "int(word) == 0",
        "int(nothing) == 0",
        "int(1e300) == 0",
        "float(word) == 0",
        "float(\"nan\") == 0",
        "float(\"inf\") > 0",
        "len(n) == 1",
        "len(nothing) == 0",
        "fromJSON(word) == nil",
        "fromBase64(\"!\") == \"\"",
        "fromBase64(\"/w==\") == \"\"",
    ]);
}

#[test]
fn numbers() {
    all_true(&[
        "abs(-3) == 3 and abs(-1.5) == 1.5",
        "ceil(1.2) == 2 and floor(1.8) == 1 and floor(-1.2) == -2",
        "round(1.5) == 2 and round(-1.5) == -2 and round(2.4) == 2",
        "max(1, 3, 2) == 3 and max([1, 5], 2) == 5 and min([4, 2.5]) == 2.5 and min(1..3) == 1",
        "mean(1, 2, 3) == 2 and mean([]) == 0 and median([3, 1, 2]) == 2 and median(1..4) == 2.5",
        "bitand(6, 3) == 2 and bitor(6, 3) == 7 and bitxor(6, 3) == 5 and bitnand(6, 3) == 4 and bitnot(0) == -1",
        "bitshl(1, 4) == 16 and bitshr(-16, 2) == -4 and bitushr(-1, 60) == 15 and bitshl(1, 99) == 0",
        "1 + 1.0 == 2 and 5 % 3 == 2 and 2 * 1.5 == 3",
        "9007199254740993 != 9007199254740992.0",
    ]);
    never_true(&[
        "abs(word) == 1",
        "max([]) == nil",
        "max(tags) == 1",
        "bitshl(1, -1) == 0",
        "bitand(1.5, 1) == 1",
        "9223372036854775807 + n > 0",
        "n * 9223372036854775807 > 0",
        "-(-9223372036854775807 - n) > 0",
        "10.0 ** 400 > 1",
        "(0 - n) ** 0.5 == 1",
        "n / 0 == n",
        "n % 0 == n",
        "f % 2 == 0",
    ]);
}

#[test]
fn strings() {
    all_true(&[
        "trim(\"  a \") == \"a\" and trim(\"xxaxx\", \"x\") == \"a\"",
        "trimPrefix(\"abc\", \"a\") == \"bc\" and trimSuffix(\"abc\", \"c\") == \"ab\" and trimPrefix(\"abc\", \"x\") == \"abc\"",
        "upper(\"größe\") == \"GRÖSSE\" and lower(\"ABC\") == \"abc\"",
        "split(\"a,b,c\", \",\") == [\"a\", \"b\", \"c\"] and split(\"a,b,c\", \",\", 2) == [\"a\", \"b,c\"]",
        "split(\"äb\", \"\") == [\"ä\", \"b\"] and split(\"\", \",\") == [\"\"] and split(\"a\", \",\", 0) == []",
        "splitAfter(\"a,b\", \",\") == [\"a,\", \"b\"]",
        "replace(\"aXbX\", \"X\", \"-\") == \"a-b-\" and replace(\"aXbX\", \"X\", \"-\", 1) == \"a-bX\"",
        "repeat(\"ab\", 3) == \"ababab\" and repeat(\"ab\", 0) == \"\" and repeat(\"\", 1000000) == \"\"",
        "join(tags, \"+\") == \"a+b\" and join(tags) == \"ab\" and join([]) == \"\"",
        "indexOf(\"größe\", \"ß\") == 3 and lastIndexOf(\"abab\", \"b\") == 3 and indexOf(\"a\", \"b\") == -1",
        "hasPrefix(\"abc\", \"ab\") and hasSuffix(\"abc\", \"bc\") and not hasPrefix(\"abc\", \"b\")",
        "\"abc\" contains \"b\" and \"abc\" startsWith \"a\" and \"abc\" endsWith \"c\"",
        "\"user-12\" matches \"^user-\\\\d+$\" and \"abc\" matches \"B|b\" and not (\"x\" matches \"^y\")",
        "nil contains \"a\" == false and not (nil matches \"a\")",
        "(\"a\" | upper()) == \"A\"",
    ]);
    never_true(&[
        "upper(n) == \"4\"",
        "repeat(word, -1) == \"\"",
        "repeat(word, 100000000) == \"\"",
        "join([1, 2], \",\") == \"\"",
        "tags contains word",
        "word matches tags[0] + \"(\"",
    ]);
}

#[test]
fn arrays_and_maps() {
    all_true(&[
        "first(tags) == \"a\" and last(tags) == \"b\" and first([]) == nil and last([]) == nil",
        "take(1..9, 2) == [1, 2] and take(tags, 9) == tags",
        "reverse(1..3) == [3, 2, 1] and uniq([1, 2, 1.0, \"a\", \"a\"]) == [1, 2, \"a\"]",
        "concat(tags, [1], []) == [\"a\", \"b\", 1] and flatten([1, [2, [3]], []]) == [1, 2, 3]",
        "sort([3, 1, 2]) == [1, 2, 3] and sort(tags, \"desc\") == [\"b\", \"a\"] and sort([]) == []",
        "get({a: 1}, \"a\") == 1 and get({a: 1}, \"b\") == nil and get(tags, 0) == \"a\" and get(tags, 9) == nil",
        "keys({b: 1, a: 2}) == [\"b\", \"a\"] and values({b: 1, a: 2}) == [1, 2]",
        "toPairs({a: 1}) == [[\"a\", 1]] and fromPairs([[\"a\", 1], [\"a\", 2]]) == {a: 2}",
        "\"name\" in user and \"x\" not in user and \"a\" in {a: nil}",
        "1000000 in 1..1000000000 and 0 not in 1..1000000000 and 1.5 not in 1..2",
    ]);
    never_true(&[
        "take(tags, -1) == []",
        "first(word) == \"x\"",
        "keys(tags) == []",
        "fromPairs(tags) == {}",
        "word in word",
    ]);
}

#[test]
fn dates_and_durations() {
    all_true(&[
        "now() == date(\"2026-01-31T12:00:00Z\") and now() > date(\"2026-01-31\")",
        "now() - duration(\"12h\") == date(\"2026-01-31\")",
        "now() - date(\"2026-01-30\") == duration(\"36h\") and duration(\"1d\") + now() == date(\"2026-02-01 12:00:00\")",
        "duration(\"90d\").Hours() == 2160 and duration(\"1m30s\").Seconds() == 90 and duration(\"1h\").Minutes() == 60",
        "duration(\"1h\") * 2 == duration(\"2h\") and duration(\"3h\") / duration(\"2h\") == 1.5 and -duration(\"1h\") < duration(\"0\")",
        "[now().Year(), now().Month(), now().Day(), now().Hour(), now().Minute(), now().Second()] == [2026, 1, 31, 12, 0, 0]",
        "now().Weekday() == 6 and now().YearDay() == 31 and now().Unix() == 1769860800",
        "now().Add(duration(\"1h\")).Hour() == 13 and now().Sub(date(\"2026-01-31\")) == duration(\"12h\")",
        "now().After(date(\"2026-01-01\")) and not now().Before(date(\"2026-01-01\")) and now().Equal(now())",
        "now().AddDate(0, 1, 0) == date(\"2026-03-03T12:00:00Z\") and now().AddDate(1, 0, 1).Year() == 2027",
        "date(\"31.12.2025\", \"02.01.2006\").YearDay() == 365",
        "date(\"2026-07-01 12:00\", \"2006-01-02 15:04\", \"Europe/Zurich\").UTC().Hour() == 10",
        "now().In(timezone(\"America/New_York\")).Hour() == 7 and now().In(\"Asia/Kolkata\").Minute() == 30",
        "now().Format(\"Mon, 02 Jan 2006 15:04:05 MST\") == \"Sat, 31 Jan 2026 12:00:00 UTC\"",
        "string(now()) == \"2026-01-31T12:00:00Z\" and date(\"2026-01-31T12:00:00+01:00\") < now()",
        "duration(\"90s\").Round(duration(\"1m\")) == duration(\"2m\") and duration(\"90s\").Truncate(duration(\"1m\")) == duration(\"1m\")",
        "date(\"1969-12-31T23:59:59.5Z\").Unix() == -1",
    ]);
    never_true(&[
        "date(word) < now()",
        "date(\"2026-01-31\", word) < now()",
        "duration(word) > duration(\"1s\")",
        "timezone(word) == nil",
        "now().In(word) == now()",
        "now() > word",
        "now() + now() == now()",
        "now() + duration(\"100000d\") * 1000 > now()",
        "n.Year() == 2026",
        "now().Hours() == 1",
    ]);
}

#[test]
fn injected_names() {
    let context = context(r#"{"check_ctx": 1, "doc": "d1"}"#);
    let metadata = Store(serde_json::json!({"document:d1": {"plan": "free"}}));
    let claims: Context = common::context(r#"{"role": "admin"}"#);
    let bare = Env::new(&context, NOW);
    let full = Env {
        check: Some(CHECK),
        warrant: Some(WARRANT),
        metadata: Some(&metadata),
        claims: Some(&claims),
        ..bare
    };
    for (source, with, without) in [
        ("check_ctx.subject_id == 'ann'", "true", "unknown"),
        ("check_ctx == {} ", "false", "true"),
        ("check_ctx?.subject_id == 'ann'", "true", "false"),
        ("'subject_id' in check_ctx", "true", "false"),
        ("warrant_ctx.relation == 'editor'", "true", "unknown"),
        ("len(warrant_ctx) == 6", "true", "false"),
        (
            "date(warrant_ctx.created_at) + duration('1h') == now()",
            "true",
            "unknown",
        ),
        (
            "check_ctx.subject_id == warrant_ctx.subject_id",
            "true",
            "unknown",
        ),
        ("get_metadata('document', doc).plan == 'free'", "true", "unknown"),
        (
            "get_metadata('document', doc).tier != 'free'",
            "unknown",
            "unknown",
        ),
        ("get_metadata('document', 'x') == {}", "true", "unknown"),
        ("get_metadata('document', 'x')?.plan == nil", "true", "unknown"),
        ("jwt_claim('role') == 'admin'", "true", "unknown"),
        ("jwt_claim('nope') != 'admin'", "unknown", "unknown"),
        ("(jwt_claim('nope') ?? 'guest') == 'guest'", "true", "true"),
        ("jwt_claim('nope')?.x == nil", "true", "true"),
        ("expiresIn('2h')", "true", "unknown"),
        ("expiresIn('1h')", "false", "unknown"),
        ("not expiresIn(duration('1h'))", "true", "unknown"),
        ("$env.check_ctx == 1", "true", "true"),
    ] {
        let policy = Policy::compile_warrant(source).unwrap_or_else(|e| panic!("{source}: {e}"));
        assert_eq!(show(&policy.eval(&full)), with, "{source}");
        assert_eq!(show(&policy.eval(&bare)), without, "{source}");
    }
    let late = Env {
        now: Timestamp(i64::MAX),
        ..full
    };
    let policy = common::compile("now() > date('2020-01-01')");
    assert_eq!(
        show(&policy.eval(&late)),
        "unknown",
        "a moment beyond the calendar"
    );
}

#[test]
fn uses_and_keys() {
    let uses = |source: &str| common::compile(source).uses();
    assert!(uses("check_ctx.relation == 'a'").check_ctx);
    assert!(uses("warrant_ctx.relation == 'a'").warrant_ctx);
    assert!(uses("get_metadata('a', 'b').c").metadata);
    assert!(uses("jwt_claim('a') == 'b'").jwt);
    assert!(uses("any(1..2, now() > date(x))").clock);
    let expires = uses("expiresIn('1h')");
    assert!(expires.clock && expires.warrant_ctx);
    assert_eq!(uses("a == 1"), rowgate_policy::Uses::default());
    let policy = common::compile(
        "let x = b.c; any(d, .e == f) and x and $env['odd'] and 'g' in $env and $env?.h == b",
    );
    assert_eq!(policy.context_keys(), ["b", "d", "f", "odd", "g", "h"]);
}
