//! What the reference evaluator says about a world of [`crate::generate`].

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use rowgate_policy::{CheckCtx, Env, Outcome, Param, ParamType, Policy, Timestamp};
use rowgate_schema::ast::{self, RelationDef, TypeDef};
use rowgate_testkit::builder::{name, on, rel};
use rowgate_testkit::{Oracle, Resource, Subject, Value, Warrant, World};
use serde_json::{Map, Value as Json};

use crate::common::Asker;
use crate::generate::{self, Edge, PARAMS, Rule, Sample};

/// Ids, by type and relation.
pub type Pairs = BTreeMap<(String, String), BTreeSet<String>>;

/// The rows for which the reference evaluator says yes, by type and relation.
pub fn expected(sample: &Sample, asker: &Asker, subject: &str) -> Pairs {
    let (edges, attributes) = facts(sample);
    by_relation(sample, asker, subject, &edges, &attributes)
}

/// The values of the attributes of rows, by type and id.
pub type Attributes = BTreeMap<(String, String), Map<String, Json>>;

/// All edges, those of rows and those of warrants that count, and the attributes of rows.
pub fn facts(sample: &Sample) -> (Vec<Edge>, Attributes) {
    let mut edges = sample.bound_edges();
    edges.extend(stored(sample));
    let attributes = sample
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
    (edges, attributes)
}

/// The warrants that count: not those of bound relations.
pub fn stored(sample: &Sample) -> impl Iterator<Item = Edge> {
    let bound = |edge: &&Edge| {
        let ty = sample.ty(&edge.resource_type).unwrap();
        ty.relations
            .iter()
            .any(|relation| relation.name == edge.relation && !relation.sources.is_empty())
    };
    sample.warrants.iter().filter(move |edge| !bound(edge)).cloned()
}

/// The same as [`expected`] from given edges and attributes, as a server would that has read them.
pub fn by_relation(
    sample: &Sample,
    asker: &Asker,
    subject: &str,
    edges: &[Edge],
    attributes: &Attributes,
) -> Pairs {
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
    let answers = holding(sample, asker, subject, edges, attributes, &asked);
    let mut out = Pairs::new();
    for ((resource, relation), holds) in asked.into_iter().zip(answers) {
        let set = out.entry((resource.resource_type, relation)).or_default();
        if holds {
            set.insert(resource.id);
        }
    }
    out
}

/// Whether relations hold. Those asked about are resources that exist.
pub fn holding(
    sample: &Sample,
    asker: &Asker,
    subject: &str,
    edges: &[Edge],
    attributes: &Attributes,
    asked: &[(Resource, String)],
) -> Vec<bool> {
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
    let oracle = Oracle::new(&world, &Map::new(), 0);
    let user = Subject {
        resource_type: "user".to_owned(),
        id: subject.to_owned(),
        relation: None,
    };
    let answers = oracle.holds_many(asked, user);
    answers
        .into_iter()
        .map(|answer| answer == Ok(Value::True))
        .collect()
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
