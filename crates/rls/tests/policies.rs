//! Policies in SQL have exactly the value that `rowgate_policy` gives them: true, false and unknown, over rows and contexts of all kinds.
//!
//! `ROWGATE_POLICIES` says how many generated policies.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::Site;
use rowgate_binding::Bindings;
use rowgate_pgtest::versions;
use rowgate_policy::{CheckCtx, Env, Outcome, Param, ParamType, Policy, Timestamp};
use rowgate_rls::{Compiler, Order, read_shapes};
use rowgate_testkit::sample::Numbers;
use serde_json::{Map, Value, json};

/// 2026-03-03, a Tuesday, 10:20:30.000456 UTC.
const NOW: i64 = 1_772_533_230_000_456;

const TABLE: &str = "
create table doc (id text primary key, n bigint, k numeric, s text, b boolean, f double precision, g real, l text[], m jsonb);
insert into doc select row_number() over ()::text, v1.n, v2.k, v3.s, v4.b, v.* from
    (values (null::bigint), (2), (5), (-9223372036854775808), (9223372036854775807)) v1 (n),
    (values (null::numeric), (2.50), (3), ('NaN'), (1e30)) v2 (k),
    (values (null::text), ('x'), ('it''s'), ('Äx'), ('')) v3 (s),
    (values (null::boolean), (true), (false)) v4 (b)
    cross join (values (null::double precision, null::real, null::text[], null::jsonb), (1.25, 1.25, '{x,y}', '{\"a\": \"x\", \"n\": 4, \"z\": null}'),
        ('NaN', 'Infinity', '{}', '[1]'), (-0.5, 2, '{NULL}', '{\"a\": 7}'), (3, 1e30, '{{x},{y}}', '\"x\"')) v (f, g, l, m)
order by md5(concat_ws(',', v1.n, v2.k, v3.s, v4.b, v.f)) limit 120;
";

const PARAMS: [(&str, ParamType); 8] = [
    ("n", ParamType::Integer),
    ("k", ParamType::Integer),
    ("s", ParamType::String),
    ("b", ParamType::Boolean),
    ("f", ParamType::Float),
    ("g", ParamType::Float),
    ("l", ParamType::Array),
    ("m", ParamType::Map),
];

/// Parameters that have no column and come from the context.
const CONTEXT: [(&str, ParamType); 5] = [
    ("cn", ParamType::Integer),
    ("cs", ParamType::String),
    ("cb", ParamType::Boolean),
    ("cl", ParamType::Array),
    ("cm", ParamType::Map),
];

const ATOMS: &[&str] = &[
    "b",
    "not b",
    "b == cb",
    "s == \"x\"",
    "s != cs",
    "s < \"y\"",
    "s >= cs",
    "s == nil",
    "s in [\"x\", \"it's\"]",
    "s in [cs, \"x\"]",
    "s in []",
    "s in cl",
    "cs in l",
    "\"x\" in l",
    "\"x\" not in cl",
    "true in cl",
    "s contains \"'\"",
    "s startsWith cs",
    "s endsWith \"x\"",
    "cs endsWith \"\"",
    "hasPrefix(s, \"it\")",
    "len(s) > 1",
    "len(s + cs) == 2",
    "n > 3",
    "n == cn",
    "n < 2.5",
    "n >= 2.0",
    "n == 2.5",
    "n < 1e30",
    "n > 1e30",
    "n + cn > 4",
    "n - 1 < 0",
    "n * cn == 10",
    "-n < 0",
    "n % 2 == 1",
    "n % cn == 0",
    "n / 2 >= 1",
    "10 / cn > 2.5",
    "k == 3",
    "k != 3",
    "k <= n",
    "n in 1..4",
    "n in cn..9",
    "f < 1.5",
    "f >= -0.5",
    "-f < 0.0",
    "f == g",
    "g > 1",
    "f != 3",
    "(n ?? 7) == 7",
    "(s ?? cs) == \"x\"",
    "(cs ?? \"x\") == \"x\"",
    "(b ?? true)",
    "((s == \"x\") ?? true)",
    "(b ? n : cn) > 2",
    "let y = n; y > 2 && y < 100",
    "m.a == \"x\"",
    "m.a != \"x\"",
    "m.n > 3",
    "m.n == 4.0",
    "m.z == nil",
    "m.z != \"x\"",
    "(m.q ?? \"x\") == \"x\"",
    "cm.a == s",
    "cm.a == m.a",
    "cm.a.b == 1",
    "(cm.a.b ?? 1) == 1",
    "cm.a",
    "\"a\" in m",
    "s in cm",
    "\"n\" in $env",
    "\"cn\" in $env",
    "\"k\" in $env",
    "\"f\" in $env",
    "\"g\" in $env",
    "\"l\" in $env",
    "\"m\" in $env",
    "jwt_claim(\"role\") == \"boss\"",
    "jwt_claim(\"role\") != s",
    "(jwt_claim(\"level\") ?? 1) == 1",
    "jwt_claim(\"level\") >= 2",
    "jwt_claim(\"role\") in [\"boss\", \"x\"]",
    "jwt_claim(\"admin\")",
    "jwt_claim(\"admin\") == b",
    "check_ctx.subject_id == \"ann\"",
    "check_ctx.resource_id == \"3\"",
    "check_ctx.relation == \"must\"",
    "check_ctx.resource_type + \"x\" == \"docx\"",
    "(jwt_claim(\"role\") ?? s) == \"boss\"",
    "jwt_claim(\"role\") startsWith \"b\"",
    "now() > date(\"2026-03-01\")",
    "now() == date(\"2026-03-03T10:20:30.000456Z\")",
    "now() < date(\"2026-03-03T12:20:30.000456001+02:00\")",
    "now() - date(\"2026-03-01\") > duration(\"2d10h20m30.000455s\")",
    "date(\"03.03.2026\", \"02.01.2006\").Before(now())",
    "now() + duration(\"24h\") * n > date(\"2026-03-06\")",
    "now() - duration(\"1us\") * n != date(\"2026-03-03T10:20:30.000454Z\")",
    "date(\"9999-12-01\") + duration(\"24h\") * n > now()",
    "date(\"0001-01-02\") - duration(\"24h\") * n < now()",
    "date(\"9999-12-30\") - date(\"0001-01-02\") > duration(\"1h\")",
    "duration(\"100000d\") * n > duration(\"1h\")",
    "-duration(\"1h\") * n < duration(\"-90m\")",
    "now().Hour() >= 9 && now().Hour() < n * 6",
    "now().Weekday() == n",
    "now().Minute() == 20 and now().Second() == 30",
    "date(\"1969-12-31T23:59:58Z\").Second() > 57 and date(\"1969-12-31\").Weekday() == n",
    "b ? now().Equal(date(\"2026-03-03\")) : now().After(date(\"2026-03-03\"))",
    "now() in [date(\"2026-03-03T10:20:30.000456Z\"), date(\"2026-03-01\")]",
];

fn contexts() -> Vec<(Value, Value)> {
    vec![
        (json!({}), json!({"sub": "ann"})),
        (
            json!({"cn": 2, "cs": "x", "cb": true, "cl": ["x", "it's"], "cm": {"a": "x", "x": 1}, "n": 99, "s": "x"}),
            json!({"sub": "ann", "role": "boss", "level": 2, "admin": true}),
        ),
        (
            json!({"cn": 0, "cs": "", "cb": null, "cl": [true, 3], "cm": {"a": {"b": 1}}}),
            json!({"sub": "ann", "role": 7, "level": null, "admin": "true"}),
        ),
        (
            json!({"cn": 2.0, "cs": 7, "cb": "true", "cl": [null], "cm": {"a": true}}),
            json!({"sub": "ann", "role": null, "level": 2.5}),
        ),
        (
            json!({"cn": 5, "cs": "it's", "cb": false, "cl": [], "cm": []}),
            json!({"sub": "ann", "level": "2"}),
        ),
        (
            json!({"cn": 2.5, "cs": null, "cl": "x", "cm": {"a": 7}}),
            json!({"sub": "ann", "level": [1]}),
        ),
    ]
}

fn policies() -> Vec<String> {
    let count = std::env::var("ROWGATE_POLICIES").map_or(60, |text| text.parse().unwrap());
    let mut numbers = Numbers::new(7);
    let mut out: Vec<String> = ATOMS.iter().map(|atom| (*atom).to_owned()).collect();
    for _ in 0..count {
        let mut text = String::new();
        for _ in 0..3 {
            let atom = ATOMS[numbers.below(u32::try_from(ATOMS.len()).unwrap()) as usize];
            let atom = if atom.starts_with("let") { "n > 2" } else { atom };
            let atom = if numbers.chance(30) {
                format!("not ({atom})")
            } else {
                format!("({atom})")
            };
            text = match (text.is_empty(), numbers.below(3)) {
                (true, _) => atom,
                (false, 0) => format!("({text} and {atom})"),
                (false, 1) => format!("({text} or {atom})"),
                (false, _) => format!("({text} ? {atom} : ({text} == {atom}))"),
            };
        }
        out.push(text);
    }
    out
}

#[test]
fn policies_have_the_same_value_in_sql() {
    let texts = policies();
    let mut refused = 0;
    for version in versions() {
        let mut site = Site::new(version, "policies", TABLE);
        let rows = rows(&mut site);
        for (index, text) in texts.iter().enumerate() {
            // Each policy on one version, the atoms on both.
            if index < ATOMS.len() || (index % 2 == 0) == (version == versions()[0]) {
                refused += usize::from(!check(&mut site, text, &rows));
            }
        }
    }
    assert!(
        refused * 3 < texts.len(),
        "{refused} of {} policies are refused",
        texts.len()
    );
}

/// The attributes of every row, as a policy sees them.
fn rows(site: &mut Site) -> BTreeMap<String, Map<String, Value>> {
    let sql = "select id, jsonb_build_object('n', n, 's', s, 'b', b,
            'k', case when k::text = '3' then 3 end,
            'f', case when f::text <> 'NaN' then f end, 'g', case when g::text <> 'Infinity' then g::float8 end,
            'l', case when coalesce(array_ndims(l), 1) = 1 then to_jsonb(l) end, 'm', case when jsonb_typeof(m) = 'object' then m end)
        from doc";
    let rows = site.admin.query(sql, &[]).unwrap();
    rows.iter()
        .map(|row| {
            let Value::Object(mut values) = row.get::<_, Value>(1) else {
                panic!("an object")
            };
            values.retain(|_, value| !value.is_null());
            (row.get(0), values)
        })
        .collect()
}

/// Whether the policy is compiled; the atoms all are.
fn check(site: &mut Site, text: &str, rows: &BTreeMap<String, Map<String, Value>>) -> bool {
    let params: Vec<Param> = PARAMS
        .iter()
        .chain(&CONTEXT)
        .map(|(name, ty)| Param::new(*name, *ty))
        .collect();
    let policy = Policy::compile_schema(&params, text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    let declared: Vec<String> = params
        .iter()
        .map(|param| format!("{} {}", param.name, param.ty))
        .collect();
    let schema = format!(
        "version 0.3\ntype user\ntype doc\n    relation must []\n    relation mustnot []\n    inherit must if\n        policy p\n    \
         inherit mustnot if\n        none_of\n            policy p\npolicy p({}) {{\n    {text}\n}}\n",
        declared.join(", ")
    );
    let model = common::model(&schema);
    let attributes: Vec<String> = PARAMS
        .iter()
        .map(|(name, _)| format!("attributes.{name} = \"{name}\""))
        .collect();
    let bindings = format!(
        "[subject]\ntype = \"user\"\n[[table]]\nname = \"public.doc\"\ntype = \"doc\"\nid = \"id\"\n{}\n",
        attributes.join("\n")
    );
    let bindings = Bindings::parse_toml(&bindings).unwrap();
    let resolved = bindings.resolve(&model).unwrap();
    let shapes = read_shapes(&mut site.admin, &bindings).unwrap();
    let compiler = Compiler::new(&resolved, shapes, 1).unwrap();
    for relation in ["must", "mustnot"] {
        let sql = match compiler.query("doc", relation, "user", Order::Ascending) {
            Ok(statement) => statement.sql,
            Err(refusal) => {
                assert!(!ATOMS.contains(&text), "{refusal}");
                return false;
            }
        };
        let statement = site
            .admin
            .prepare(&sql)
            .unwrap_or_else(|error| panic!("{text}: {error:?}\n{sql}"));
        for (context, claims) in contexts() {
            let none: Option<String> = None;
            let found = site
                .admin
                .query(
                    &statement,
                    &[&"ann", &context, &claims, &none, &100_000_i64, &NOW],
                )
                .unwrap_or_else(|error| panic!("{text}: {error:?}\n{sql}"));
            let found: BTreeSet<String> = found.iter().map(|row| row.get(0)).collect();
            for (id, attributes) in rows {
                let mut merged = context.as_object().unwrap().clone();
                merged.retain(|name, _| PARAMS.iter().all(|(other, _)| other != name));
                merged.extend(
                    attributes
                        .iter()
                        .map(|(name, value)| (name.clone(), value.clone())),
                );
                let env = Env {
                    check: Some(CheckCtx {
                        resource_type: "doc",
                        resource_id: id,
                        relation,
                        subject_type: "user",
                        subject_id: "ann",
                    }),
                    claims: claims.as_object(),
                    ..Env::new(&merged, Timestamp(NOW))
                };
                let outcome = policy.eval(&env);
                let wanted = match relation {
                    "must" => outcome == Outcome::True,
                    _ => outcome == Outcome::False,
                };
                assert_eq!(
                    found.contains(id),
                    wanted,
                    "{text} of {relation} is {outcome:?} with {merged:?} and {claims}\n{sql}"
                );
            }
        }
    }
    true
}
