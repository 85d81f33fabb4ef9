//! Random schemas, bindings, rows, warrants and contexts: the rows that a role sees are the rows for which the reference evaluator says yes,
//! and the ids that the generated query gives.
//!
//! `ROWGATE_WORLDS` says how many worlds; `ROWGATE_SEED` begins elsewhere.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;
#[path = "common/generate.rs"]
mod generate;

use std::collections::{BTreeMap, BTreeSet};

use common::{Asker, Site};
use generate::{Edge, PARAMS, Rule, SUBJECTS, Sample};
use postgres::Client;
use rowgate_binding::Bindings;
use rowgate_pgtest::versions;
use rowgate_policy::{CheckCtx, Env, Outcome, Param, ParamType, Policy, Timestamp};
use rowgate_rls::{Compiler, Error, Order, Request, apply, read_shapes};
use rowgate_schema::ast::{self, RelationDef, TypeDef};
use rowgate_testkit::builder::{name, on, rel};
use rowgate_testkit::{Oracle, Resource, Subject, Value, Warrant, World};
use serde_json::{Map, Value as Json, json};

const WORLDS: u64 = 40;

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().expect("a number"))
}

#[test]
fn rows_under_policies_are_those_of_the_reference_evaluator() {
    let (worlds, first) = (number("ROWGATE_WORLDS", WORLDS), number("ROWGATE_SEED", 1));
    let mut sites: Vec<Site> = versions()
        .into_iter()
        .map(|version| Site::new(version, "oracle", ""))
        .collect();
    let (mut compiled, mut shown) = (0, 0);
    let mut refused: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut seed = first;
    while compiled < worlds {
        let sample = generate::sample(seed);
        let count = sites.len() as u64;
        let site = &mut sites[usize::try_from(seed % count).unwrap()];
        if std::env::var("ROWGATE_SHOW").is_ok() {
            println!("seed {seed}");
        }
        match check(site, &sample, seed) {
            Ok(rows) => {
                compiled += 1;
                shown += rows;
            }
            Err(code) => *refused.entry(code).or_default() += 1,
        }
        seed += 1;
        assert!(
            seed - first < worlds * 20 + 200,
            "too few worlds compile: {refused:?}"
        );
    }
    println!("{compiled} worlds, {shown} rows shown; refused: {refused:?}");
    assert!(shown as u64 > worlds, "hardly anything was visible");
}

/// Compares one world. `Err`: the code with which it was refused.
fn check(site: &mut Site, sample: &Sample, seed: u64) -> Result<usize, &'static str> {
    let schema = sample.schema();
    let Ok((model, _)) = rowgate_schema::compile(&schema) else {
        return Err("schema");
    };
    let bindings = Bindings::parse_toml(&sample.bindings().replace("ROLE", &site.role))
        .unwrap_or_else(|found| panic!("seed {seed}: {found:?}"));
    let Ok(resolved) = bindings.resolve(&model) else {
        return Err("bindings");
    };
    fill(site, sample);
    let request = Request {
        bindings: &bindings,
        schema: Some(&model),
        keep_existing: false,
    };
    match apply(&mut site.admin, &request) {
        Ok(applied) => {
            if std::env::var("ROWGATE_SHOW").is_ok() {
                applied
                    .plan
                    .steps
                    .iter()
                    .for_each(|step| println!("{};", step.sql));
            }
        }
        Err(error @ Error::Refused(_)) => return Err(error.code()),
        Err(error) => panic!("seed {seed}: {error}\n{schema}\n{}", sample.bindings()),
    }
    let shapes = read_shapes(&mut site.admin, &bindings).unwrap();
    let compiler = Compiler::new(&model, &resolved, shapes, 1).unwrap();
    let mut client = site.database.client_as(&site.role);
    client.batch_execute("set statement_timeout = '20s'").unwrap();
    let mut shown = 0;
    for (index, subject) in SUBJECTS.iter().enumerate() {
        let asker = asker(subject, seed + index as u64);
        let expected = expected(sample, &model, &asker, subject);
        for ty in sample.types.iter().filter(|ty| ty.key.is_some()) {
            let holds = |relation: &str| {
                expected
                    .get(&(ty.name.clone(), relation.to_owned()))
                    .cloned()
                    .unwrap_or_default()
            };
            let visible = holds(&ty.relations[0].name);
            let context = || {
                format!(
                    "seed {seed}, {} as {subject:?} with {asker:?}\n{schema}\n{}\n{}",
                    ty.name,
                    sample.bindings(),
                    sample.facts()
                )
            };
            for (command, relation) in ty.guards() {
                let id = ty.id_sql();
                let sql = match command {
                    "select" => format!("select {id} from {}", ty.name),
                    "update" => format!("update {} set gone = gone returning {id}", ty.name),
                    _ => format!("delete from {} returning {id}", ty.name),
                };
                let rows: BTreeSet<String> = common::ask(&mut client, &asker, &sql)
                    .unwrap_or_else(|error| panic!("{error:?}\n{}", context()))
                    .into_iter()
                    .collect();
                let wanted: BTreeSet<String> = holds(&relation).intersection(&visible).cloned().collect();
                assert_eq!(rows, wanted, "{command}, {}", context());
                shown += rows.len();
                let listed = query(&mut site.admin, &compiler, &ty.name, &relation, subject, &asker);
                assert_eq!(listed, holds(&relation), "query {relation}, {}", context());
            }
            by_rows(
                &mut site.admin,
                &compiler,
                sample,
                &model,
                ty,
                &asker,
                subject,
                &visible,
                &context(),
            );
        }
    }
    Ok(shown)
}

/// Replaces what the database holds.
fn fill(site: &mut Site, sample: &Sample) {
    let admin = &mut site.admin;
    admin
        .batch_execute("set statement_timeout = '20s'; set jit = off")
        .unwrap();
    admin
        .batch_execute(
            "do $$ declare t text; begin for t in select tablename from pg_tables where schemaname = 'public' loop
                 execute format('drop table %I cascade', t); end loop; end $$;
             drop schema if exists rowgate_rls cascade; delete from rowgate.warrant;",
        )
        .unwrap();
    admin.batch_execute(&sample.tables()).unwrap();
    admin
        .batch_execute(&format!(
            "grant select, insert, update, delete on all tables in schema public to {}",
            site.role
        ))
        .unwrap();
    for edge in &sample.warrants {
        let sql = "insert into rowgate.warrant (environment, resource_type, resource_id, relation, subject_type, subject_id, subject_relation, policy, created_at)
                   values (1, $1, $2, $3, $4, $5, $6, '', 0)";
        let parts = [
            &edge.resource_type,
            &edge.resource_id,
            &edge.relation,
            &edge.subject_type,
            &edge.subject_id,
            &edge.subject_relation,
        ];
        admin
            .execute(
                sql,
                &[&parts[0], &parts[1], &parts[2], &parts[3], &parts[4], &parts[5]],
            )
            .unwrap();
    }
}

fn asker(subject: &str, seed: u64) -> Asker {
    let mut context = Map::new();
    for (at, (name, _, _)) in PARAMS.iter().enumerate() {
        let values = match *name {
            "n" => [json!(2), json!(5), json!("5"), json!(2.5)],
            "s" => [json!("x"), json!("it's"), json!(7), Json::Null],
            "b" => [json!(true), json!(false), json!("true"), json!(true)],
            "f" => [json!(1.25), json!(2), json!([]), json!(1e300)],
            _ => [json!(["x", "y"]), json!([]), json!(["Y", 3]), json!([1])],
        };
        let choice = (seed >> at) % 6;
        if let Some(value) = values.get(usize::try_from(choice).unwrap()) {
            context.insert((*name).to_owned(), value.clone());
        }
    }
    let mut claims = json!({"sub": subject});
    match seed % 4 {
        0 => claims["role"] = json!("boss"),
        1 => claims["level"] = json!(2),
        2 => claims["role"] = json!(7),
        _ => claims["level"] = Json::Null,
    }
    Asker {
        claims: Some(claims),
        context: Some(Json::Object(context)),
    }
}

type Pairs = BTreeMap<(String, String), BTreeSet<String>>;

/// The rows for which the reference evaluator says yes, by type and relation.
fn expected(sample: &Sample, model: &rowgate_schema::Model, asker: &Asker, subject: &str) -> Pairs {
    let mut edges = sample.bound_edges();
    let bound = |edge: &&Edge| {
        let ty = sample.ty(&edge.resource_type).unwrap();
        ty.relations
            .iter()
            .any(|relation| relation.name == edge.relation && !relation.sources.is_empty())
    };
    edges.extend(sample.warrants.iter().filter(|edge| !bound(edge)).cloned());
    let attributes: BTreeMap<(String, String), Map<String, Json>> = sample
        .rows
        .iter()
        .map(|row| {
            let bound = &sample.ty(&row.resource_type).unwrap().attributes;
            let values = row
                .attributes
                .iter()
                .filter(|(name, value)| bound.contains(name) && !value.is_null());
            let values = values
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect();
            ((row.resource_type.clone(), row.id.clone()), values)
        })
        .collect();
    evaluate(sample, model, asker, subject, &edges, &attributes)
}

/// The same from given edges and attributes, as a server would that has read them.
fn evaluate(
    sample: &Sample,
    model: &rowgate_schema::Model,
    asker: &Asker,
    subject: &str,
    edges: &[Edge],
    attributes: &BTreeMap<(String, String), Map<String, Json>>,
) -> Pairs {
    let mut world = World::default();
    let holds_nothing = |ty: &str, id: &str| id != "*" && !sample.exists(ty, id);
    for edge in edges {
        if holds_nothing(&edge.resource_type, &edge.resource_id)
            || holds_nothing(&edge.subject_type, &edge.subject_id)
        {
            continue;
        }
        world.warrants.push(Warrant {
            resource: Resource::new(&edge.resource_type, &edge.resource_id),
            relation: edge.relation.clone(),
            subject: Subject {
                resource_type: edge.subject_type.clone(),
                id: edge.subject_id.clone(),
                relation: Some(edge.subject_relation.clone()).filter(|relation| !relation.is_empty()),
            },
            policy: None,
            created_at: 0,
        });
    }
    let mut resources: BTreeSet<Resource> = world.existing();
    resources.extend(
        sample
            .rows
            .iter()
            .map(|row| Resource::new(&row.resource_type, &row.id)),
    );
    resources.extend((0..7).flat_map(|n| {
        sample
            .types
            .iter()
            .map(move |ty| Resource::new(&ty.name, &generate::id(ty.key, n)))
    }));
    // A policy becomes a relation that warrants say the value of: for each resource, and for this subject.
    for ty in &sample.types {
        let mut def = TypeDef {
            name: name(&ty.name),
            relations: Vec::new(),
        };
        for relation in &ty.relations {
            let mut used = BTreeSet::new();
            let rule = relation
                .rule
                .as_ref()
                .map(|rule| plain(rule, &relation.name, &mut used));
            def.relations.push(RelationDef {
                name: name(&relation.name),
                allowed: None,
                rule,
            });
            for policy in used {
                let of_type = resources
                    .iter()
                    .filter(|resource| resource.resource_type == ty.name);
                for resource in of_type {
                    if holds_nothing(&resource.resource_type, &resource.id) {
                        continue;
                    }
                    let own = attributes.get(&(resource.resource_type.clone(), resource.id.clone()));
                    let outcome = value(sample, &policy, asker, subject, resource, &relation.name, ty, own);
                    world.warrants.extend(outcome.map(|condition| Warrant {
                        resource: resource.clone(),
                        relation: policy_relation(&policy, &relation.name),
                        subject: Subject {
                            resource_type: "user".to_owned(),
                            id: subject.to_owned(),
                            relation: None,
                        },
                        policy: condition,
                        created_at: 0,
                    }));
                }
                def.relations.push(RelationDef {
                    name: name(&policy_relation(&policy, &relation.name)),
                    allowed: None,
                    rule: None,
                });
            }
        }
        world.schema.types.push(def);
    }
    let _ = model;
    let oracle = Oracle::new(&world, &Map::new(), 0);
    let asked: Vec<(Resource, String)> = sample
        .rows
        .iter()
        .filter(|row| sample.exists(&row.resource_type, &row.id))
        .flat_map(|row| {
            let relations = &sample.ty(&row.resource_type).unwrap().relations;
            relations
                .iter()
                .map(|relation| (Resource::new(&row.resource_type, &row.id), relation.name.clone()))
        })
        .collect();
    let user = Subject {
        resource_type: "user".to_owned(),
        id: subject.to_owned(),
        relation: None,
    };
    let answers = oracle.holds_many(&asked, user);
    let mut out = Pairs::new();
    for ((resource, relation), answer) in asked.into_iter().zip(answers) {
        let set = out.entry((resource.resource_type, relation)).or_default();
        if answer == Ok(Value::True) {
            set.insert(resource.id);
        }
    }
    out
}

fn policy_relation(policy: &str, relation: &str) -> String {
    format!("value-{policy}-{relation}")
}

fn plain(rule: &Rule, relation: &str, used: &mut BTreeSet<String>) -> ast::Rule {
    match rule {
        Rule::Relation(other) => rel(other),
        Rule::On(far, edge, ty) => on(far, edge, ty),
        Rule::Policy(policy) => {
            used.insert(policy.clone());
            rel(&policy_relation(policy, relation))
        }
        Rule::Group(op, rules) => ast::Rule::Group {
            op: ast::GroupOp::parse(op).unwrap(),
            rules: rules.iter().map(|rule| plain(rule, relation, used)).collect(),
            span: ast::Span::default(),
        },
    }
}

/// The value of a policy on a resource: `None` for false, a warrant without a condition for true, with an unknown one for unknown.
#[allow(clippy::too_many_arguments, reason = "everything that a policy reads")]
fn value(
    sample: &Sample,
    policy: &str,
    asker: &Asker,
    subject: &str,
    resource: &Resource,
    relation: &str,
    ty: &generate::Type,
    attributes: Option<&Map<String, Json>>,
) -> Option<Option<String>> {
    let policy = sample.policies.iter().find(|other| other.name == policy).unwrap();
    let params: Vec<Param> = policy
        .params
        .iter()
        .map(|name| {
            let keyword = PARAMS.iter().find(|(other, _, _)| other == name).unwrap().1;
            Param::new(*name, ParamType::parse(keyword).unwrap())
        })
        .collect();
    let compiled = Policy::compile_schema(&params, &policy.text).unwrap();
    let mut context = asker.context.as_ref().unwrap().as_object().unwrap().clone();
    context.retain(|name, _| !ty.attributes.contains(&name.as_str()));
    context.extend(
        attributes
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    let env = Env {
        check: Some(CheckCtx {
            resource_type: &resource.resource_type,
            resource_id: &resource.id,
            relation,
            subject_type: "user",
            subject_id: subject,
        }),
        claims: asker.claims.as_ref().and_then(Json::as_object),
        ..Env::new(&context, Timestamp(0))
    };
    match compiled.eval(&env) {
        Outcome::True => Some(None),
        Outcome::Unknown(_) => Some(Some("nothing_says_this".to_owned())),
        Outcome::False => None,
    }
}

/// All ids that the generated query gives, two at a time, in both orders.
fn query(
    admin: &mut Client,
    compiler: &Compiler,
    ty: &str,
    relation: &str,
    subject: &str,
    asker: &Asker,
) -> BTreeSet<String> {
    let mut orders = Vec::new();
    for order in [Order::Ascending, Order::Descending] {
        let sql = compiler.query(ty, relation, "user", order).unwrap().sql;
        let statement = admin
            .prepare(&sql)
            .unwrap_or_else(|error| panic!("{error:?}\n{sql}"));
        let mut ids: Vec<String> = Vec::new();
        loop {
            let after = ids.last().cloned();
            let rows = admin
                .query(
                    &statement,
                    &[&subject, &asker.context, &asker.claims, &after, &2_i64],
                )
                .unwrap();
            ids.extend(rows.iter().map(|row| row.get::<_, String>(0)));
            if rows.len() < 2 {
                break;
            }
        }
        let set: BTreeSet<String> = ids.iter().cloned().collect();
        assert_eq!(set.len(), ids.len(), "an id twice: {ids:?}");
        orders.push(set);
    }
    assert_eq!(orders[0], orders[1]);
    orders.remove(0)
}

/// What the server's statement reads of rows is enough to give the same answer.
#[allow(clippy::too_many_arguments, reason = "one world")]
fn by_rows(
    admin: &mut Client,
    compiler: &Compiler,
    sample: &Sample,
    model: &rowgate_schema::Model,
    ty: &generate::Type,
    asker: &Asker,
    subject: &str,
    visible: &BTreeSet<String>,
    context: &str,
) {
    let relation = &ty.relations[0].name;
    let mut edges: Vec<Edge> = Vec::new();
    let mut attributes = BTreeMap::new();
    // Stored warrants lead to rows of every bound type; a server asks for those that it meets.
    for met in sample.types.iter().filter(|met| met.key.is_some()) {
        let sql = compiler.rows_from(&met.name, (&ty.name, relation)).unwrap().sql;
        let of_type = sample.rows.iter().filter(|row| row.resource_type == met.name);
        let ids: Vec<String> = of_type.map(|row| row.id.clone()).collect();
        let rows = admin
            .query(&sql, &[&ids, &"user", &subject])
            .unwrap_or_else(|error| panic!("{error:?}\n{sql}"));
        for row in rows {
            let (resource_type, resource_id): (String, String) = (row.get(0), row.get(1));
            let list: Json = row.get(2);
            let Json::Object(values) = row.get::<_, Json>(3) else {
                panic!("attributes are an object")
            };
            for edge in list.as_array().unwrap() {
                let text = |at: usize| edge[at].as_str().unwrap().to_owned();
                edges.push(Edge {
                    resource_type: resource_type.clone(),
                    resource_id: resource_id.clone(),
                    relation: text(0),
                    subject_type: text(1),
                    subject_id: text(2),
                    subject_relation: text(3),
                });
            }
            attributes.insert((resource_type, resource_id), values);
        }
    }
    edges.sort();
    edges.dedup();
    let bound = |edge: &&Edge| {
        let ty = sample.ty(&edge.resource_type).unwrap();
        ty.relations
            .iter()
            .any(|relation| relation.name == edge.relation && !relation.sources.is_empty())
    };
    edges.extend(sample.warrants.iter().filter(|edge| !bound(edge)).cloned());
    let answers = evaluate(sample, model, asker, subject, &edges, &attributes);
    let found = answers
        .get(&(ty.name.clone(), relation.clone()))
        .cloned()
        .unwrap_or_default();
    assert_eq!(found, *visible, "by rows, {context}");
}
