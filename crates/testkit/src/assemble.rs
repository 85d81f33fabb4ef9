//! From a plan to a world.

use crate::builder::{group, name, on, policy, rel};
use crate::expressions::ExpressionPlan;
use crate::names::{Resource, Subject};
use crate::plan::{Kind, Repair, RulePlan, WarrantPlan, WorldPlan};
use crate::repair;
use crate::world::{Warrant, World};
use rowgate_schema::ast::{Parameter, PolicyDef, RelationDef, Rule, Schema, SubjectType, TypeDef, Version};
use std::collections::BTreeSet;

/// What a warrant can be about.
enum Target {
    Relation(usize, usize),
    /// `relation … on E [T]` needs warrants `# E @ T:id`.
    Edge(usize, String, String),
}

impl WorldPlan {
    /// The world.
    pub fn build(&self) -> World {
        let mut world = World {
            schema: self.schema(),
            ..World::default()
        };
        if self.repair != Repair::Nothing {
            repair::schema(&mut world);
        }
        for meta in &self.metas {
            let resource = self.resource(meta.resource_type.into(), meta.id);
            world.resources.insert(resource, meta_value(meta.value));
        }
        self.store_warrants(&mut world);
        world
    }

    fn schema(&self) -> Schema {
        let policies = self.policies.iter().enumerate().map(|(index, plan)| {
            let (expression, params) = plan.for_schema();
            let parameters = params
                .into_iter()
                .map(|(key, ty)| Parameter { name: name(key), ty })
                .collect();
            PolicyDef {
                name: name(&format!("p{index}")),
                parameters,
                expression,
                ..PolicyDef::default()
            }
        });
        let types = (0..self.types.len()).map(|t| {
            let relations = (0..self.types[t].relations.len())
                .map(|r| self.relation(t, r))
                .collect();
            let mut of_type = TypeDef {
                name: name(&type_name(t)),
                relations,
            };
            open_edges(&mut of_type);
            of_type
        });
        Schema {
            version: Version::V0_3,
            types: types.collect(),
            policies: policies.collect(),
        }
    }

    fn relation(&self, t: usize, r: usize) -> RelationDef {
        let plan = &self.types[t].relations[r];
        let entry = |&(of, relation): &(u8, Option<u8>)| {
            let of = usize::from(of) % self.types.len();
            let relation = relation.map(|relation| name(&self.relation_of(of, relation)));
            SubjectType {
                resource_type: name(&type_name(of)),
                relation,
            }
        };
        let allowed = plan.brackets.as_ref().map(|entries| {
            let mut allowed: Vec<SubjectType> = Vec::new();
            for entry in entries.iter().map(entry) {
                if !allowed.contains(&entry) {
                    allowed.push(entry);
                }
            }
            allowed
        });
        let rule = plan.rule.as_ref().map(|rule| self.rule(rule, t));
        RelationDef {
            name: name(&format!("r{r}")),
            allowed,
            rule,
        }
    }

    fn rule(&self, plan: &RulePlan, t: usize) -> Rule {
        match plan {
            RulePlan::Policy(p) if !self.policies.is_empty() => {
                policy(&format!("p{}", usize::from(*p) % self.policies.len()))
            }
            RulePlan::Relation(r) | RulePlan::Policy(r) => rel(&self.relation_of(t, *r)),
            RulePlan::On(far, edge, of) => {
                let of = if usize::from(*of) < self.types.len() {
                    usize::from(*of)
                } else {
                    t
                };
                on(
                    &self.relation_of(of, *far),
                    &self.relation_of(t, *edge),
                    &type_name(of),
                )
            }
            RulePlan::Group(op, rules) => group(*op, rules.iter().map(|inner| self.rule(inner, t))),
        }
    }

    fn store_warrants(&self, world: &mut World) {
        let targets = self.targets(world);
        let mut stored = BTreeSet::new();
        let mut group_edges = BTreeSet::new();
        for plan in &self.warrants {
            let Some(mut warrant) =
                self.warrant(plan, &targets[usize::from(plan.target) % targets.len()], world)
            else {
                continue;
            };
            if self.repair == Repair::Everything && !repair::lets_in(world, &warrant, &mut group_edges) {
                warrant.subject.relation = None;
            }
            let key = (
                warrant.resource.clone(),
                warrant.relation.clone(),
                warrant.subject.clone(),
            );
            if stored.insert((key, warrant.policy.clone())) {
                warrant.created_at = i64::try_from(world.warrants.len()).expect("a world of moderate size");
                world.warrants.push(warrant);
            }
        }
    }

    fn targets(&self, world: &World) -> Vec<Target> {
        let mut targets = Vec::new();
        for (t, of_type) in world.schema.types.iter().enumerate() {
            for (r, relation) in of_type.relations.iter().enumerate() {
                targets.push(Target::Relation(t, r));
                for (edge, far_type) in relation.rule.iter().flat_map(edges_of) {
                    targets.push(Target::Edge(t, edge, far_type));
                }
            }
        }
        targets
    }

    fn warrant(&self, plan: &WarrantPlan, target: &Target, world: &World) -> Option<Warrant> {
        let (t, relation, subject) = match target {
            _ if plan.leftover => self.leftover(plan),
            Target::Relation(t, r) => {
                let relation = &world.schema.types[*t].relations[*r];
                (
                    *t,
                    relation.name.text.clone(),
                    self.subject(plan, relation.allowed.as_deref())?,
                )
            }
            Target::Edge(t, edge, far_type) => {
                let far = (0..self.types.len()).find(|far| type_name(*far) == *far_type)?;
                (*t, edge.clone(), self.resource(far, plan.subject_id).as_subject())
            }
        };
        let policy = plan.policy.as_ref().map(ExpressionPlan::for_warrant);
        Some(Warrant {
            resource: self.resource(t, plan.id),
            relation,
            subject,
            policy,
            created_at: 0,
        })
    }

    /// A subject that the brackets accept, if they accept any.
    fn subject(&self, plan: &WarrantPlan, allowed: Option<&[SubjectType]>) -> Option<Subject> {
        let Some(allowed) = allowed else {
            return Some(self.any_subject(plan));
        };
        let entry = allowed.get(usize::from(plan.subject_type) % allowed.len().max(1))?;
        let t = (0..self.types.len()).find(|t| type_name(*t) == entry.resource_type.text)?;
        let resource = self.resource(t, plan.subject_id);
        let lists_groups = || {
            let same_type = |a: &&SubjectType| a.resource_type == entry.resource_type;
            allowed.iter().filter(same_type).any(|a| a.relation.is_some())
        };
        Some(match (&entry.relation, plan.kind) {
            (Some(relation), _) => Subject::group(&resource, &relation.text),
            (None, Kind::Wildcard) => Subject::wildcard(&resource.resource_type),
            (None, Kind::Group) if !lists_groups() => {
                Subject::group(&resource, &self.relation_of(t, plan.subject_relation))
            }
            (None, Kind::Direct | Kind::Group) => resource.as_subject(),
        })
    }

    fn any_subject(&self, plan: &WarrantPlan) -> Subject {
        let t = usize::from(plan.subject_type) % self.types.len();
        let resource = self.resource(t, plan.subject_id);
        match plan.kind {
            Kind::Direct => resource.as_subject(),
            Kind::Wildcard => Subject::wildcard(&resource.resource_type),
            Kind::Group => Subject::group(&resource, &self.relation_of(t, plan.subject_relation)),
        }
    }

    /// A warrant that any schema may once have accepted: a relation that the type need not declare any more, and any
    /// subject, even of a type that is gone.
    fn leftover(&self, plan: &WarrantPlan) -> (usize, String, Subject) {
        let mut subject = self.any_subject(plan);
        if usize::from(plan.subject_type) % (self.types.len() + 1) == self.types.len() {
            subject.resource_type = "gone".to_owned();
        }
        let t = usize::from(plan.target) % self.types.len();
        (t, format!("r{}", plan.target % 6), subject)
    }

    fn resource(&self, t: usize, id: u32) -> Resource {
        let t = t % self.types.len();
        Resource::new(&type_name(t), &id_name(id % self.types[t].ids.max(1)))
    }

    fn relation_of(&self, t: usize, r: u8) -> String {
        format!("r{}", usize::from(r) % self.types[t].relations.len())
    }
}

/// Lets the brackets of every edge accept the type that rules look for at its end.
fn open_edges(of_type: &mut TypeDef) {
    let edges: Vec<_> = of_type
        .relations
        .iter()
        .filter_map(|r| r.rule.as_ref())
        .flat_map(edges_of)
        .collect();
    for (edge, far_type) in edges {
        for relation in of_type.relations.iter_mut().filter(|r| r.name.text == edge) {
            let entry = SubjectType {
                resource_type: name(&far_type),
                relation: None,
            };
            if let Some(allowed) = &mut relation.allowed
                && !allowed.contains(&entry)
            {
                allowed.push(entry);
            }
        }
    }
}

/// The (edge, type) of every `on` in a rule.
fn edges_of(rule: &Rule) -> Vec<(String, String)> {
    match rule {
        Rule::On {
            edge, resource_type, ..
        } => vec![(edge.text.clone(), resource_type.text.clone())],
        Rule::Group { rules, .. } => rules.iter().flat_map(edges_of).collect(),
        Rule::Relation { .. } | Rule::Policy { .. } => Vec::new(),
    }
}

fn type_name(t: usize) -> String {
    format!("t{t}")
}

/// `a` … `z`, `a1` … `z1`, …
fn id_name(number: u32) -> String {
    let letter = char::from(b'a' + u8::try_from(number % 26).expect("less than 26"));
    match number / 26 {
        0 => letter.to_string(),
        round => format!("{letter}{round}"),
    }
}

fn meta_value(number: u8) -> Option<serde_json::Value> {
    use serde_json::json;
    match number % 7 {
        0 => None,
        1 => Some(json!({})),
        2 => Some(json!({"s": "x", "n": 5})),
        3 => Some(json!({"s": "y", "n": 2})),
        4 => Some(json!({"s": 5, "n": "x"})),
        5 => Some(json!({"n": 5})),
        _ => Some(json!({"s": null})),
    }
}
