//! Looking up instead of listing.
//!
//! Of several conditions on a resource of the authorization API, one lists the few grants that the subject has. That the role of a grant
//! carries a permission is then looked up for these, rather than listed for the grants of everybody.

use rowgate_binding::authz;

use super::clause::join;
use super::quote::text;
use super::writer::{Object, Sql, Writer};
use crate::error::Refusal;
use crate::predicate::{Predicate, Reading, Set, can_be_listed};

/// Whether conditions on an object are looked up one by one.
pub(super) fn is_worth_it(object: &Object<'_>) -> bool {
    matches!(object, Object::Id { resource_type, .. } if authz::is_reserved(resource_type))
}

impl Writer<'_> {
    /// All of several conditions on a resource known by its id: the first that can be is listed, the others are looked up.
    pub(super) fn probed(
        &mut self,
        parts: &[Predicate],
        object: &Object<'_>,
    ) -> Result<Vec<String>, Refusal> {
        let listed = parts.iter().position(can_be_listed);
        let mut out = Vec::with_capacity(parts.len());
        for (at, part) in parts.iter().enumerate() {
            out.push(if Some(at) == listed {
                self.condition(part, object)?
            } else {
                self.probe(part, object, 1)?
            });
        }
        Ok(out)
    }

    /// The condition on the resource of an id, without a list. `depth` tells the warrants on the way apart.
    fn probe(&mut self, predicate: &Predicate, object: &Object<'_>, depth: usize) -> Sql {
        match predicate {
            Predicate::Any(parts) if !parts.is_empty() => {
                let parts: Result<Vec<String>, _> =
                    parts.iter().map(|part| self.probe(part, object, depth)).collect();
                Ok(format!("({})", join(&parts?, "or")))
            }
            Predicate::In(set) => match object {
                Object::Id { id, .. } => self.probe_set(set, id, depth),
                _ => self.condition(predicate, object),
            },
            other => self.condition(other, object),
        }
    }

    fn probe_set(&mut self, set: &Set, id: &str, depth: usize) -> Sql {
        match set {
            Set::Union(sets) => {
                let parts: Result<Vec<String>, _> =
                    sets.iter().map(|set| self.probe_set(set, id, depth)).collect();
                Ok(format!("({})", join(&parts?, "or")))
            }
            Set::Warrants {
                resource_type,
                relations,
                reading: Reading::Must,
            } if !has_policies(resource_type) => {
                let subjects = [
                    format!(
                        "p{depth}.subject_type = {}",
                        text(&self.builder.rules.subject_type)
                    ),
                    format!("p{depth}.subject_id = any (array[{}, '*'])", self.who.named()),
                    format!("p{depth}.subject_relation = ''"),
                    self.somebody(),
                ];
                let relations: Vec<&str> = relations.iter().map(String::as_str).collect();
                Ok(self.probe_warrant(resource_type, &relations, id, depth, &subjects))
            }
            Set::Edges {
                resource_type,
                relation,
                far,
                group,
                reading: Reading::Must,
                holds,
            } if !has_policies(resource_type) || relation != authz::relation::MEMBER => {
                let mut subjects = vec![
                    format!("p{depth}.subject_type = {}", text(far)),
                    format!(
                        "p{depth}.subject_relation = {}",
                        text(group.as_deref().unwrap_or_default())
                    ),
                ];
                if group.is_none() {
                    subjects.push(format!("p{depth}.subject_id <> '*'"));
                }
                if holds.holds_without_subject() {
                    subjects.push(self.somebody());
                }
                let far = Object::Id {
                    resource_type: far,
                    id: &format!("p{depth}.subject_id"),
                };
                subjects.push(self.probe(holds, &far, depth + 1)?);
                Ok(self.probe_warrant(resource_type, &[relation.as_str()], id, depth, &subjects))
            }
            other => {
                let listed = Predicate::In(Box::new(other.clone()));
                let object = Object::Id {
                    resource_type: other.resource_type(),
                    id,
                };
                self.condition(&listed, &object)
            }
        }
    }

    fn probe_warrant(
        &self,
        resource_type: &str,
        relations: &[&str],
        id: &str,
        depth: usize,
        subjects: &[String],
    ) -> String {
        let mut tests = vec![
            format!("p{depth}.environment = {}", self.environment),
            format!("p{depth}.resource_type = {}", text(resource_type)),
            format!("p{depth}.resource_id = {id}"),
            format!(
                "p{depth}.relation = any (array[{}])",
                super::quote::texts(relations.iter().copied())
            ),
            format!("p{depth}.policy_hash = ''::bytea"),
        ];
        tests.extend_from_slice(subjects);
        let tests: Vec<&str> = tests.iter().map(String::as_str).collect();
        format!(
            "exists (select from rowgate.warrant p{depth} where {})",
            tests.join(" and ")
        )
    }
}

/// Whether warrants on resources of a type can have policies that count in SQL.
fn has_policies(resource_type: &str) -> bool {
    resource_type == authz::GRANT
}
