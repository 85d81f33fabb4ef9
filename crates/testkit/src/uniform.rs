//! Whether a relation treats everybody alike but for warrants.

use crate::names::Resource;
use crate::oracle::{Oracle, Pair};
use rowgate_schema::ast::{GroupOp, Rule};
use std::collections::BTreeSet;

/// Follows everything that could be on the way: a warrant counts whatever its policy says today.
#[derive(Debug, Default)]
struct Way {
    depends_on_who_asks: bool,
    open: Vec<Pair>,
}

impl Oracle {
    /// Whether nothing on the way from the resource depends on who asks except by warrants: no `none_of`, and no
    /// policy that reads `check_ctx`. In a query's explicit form rules are not on the way.
    pub fn is_uniform(&self, resource: impl Into<Resource>, relation: &str, explicit: bool) -> bool {
        let mut seen: BTreeSet<Pair> = BTreeSet::new();
        let mut way = Way {
            depends_on_who_asks: false,
            open: vec![(resource.into(), relation.to_owned())],
        };
        while let Some((resource, relation)) = way.open.pop() {
            if !seen.insert((resource.clone(), relation.clone())) {
                continue;
            }
            for (_, warrant) in self.world.warrants_on(&resource, &relation) {
                way.depends_on_who_asks |= warrant.policy.as_deref().is_some_and(reads_check_ctx);
                if let Some(group_relation) = &warrant.subject.relation {
                    way.open
                        .push((warrant.subject.resource(), group_relation.clone()));
                }
            }
            let rule = self.world.rule_of(&resource.resource_type, &relation);
            if let Some(rule) = rule.filter(|_| !explicit) {
                self.follow(rule, &resource, &mut way);
            }
        }
        !way.depends_on_who_asks
    }

    fn follow(&self, rule: &Rule, resource: &Resource, way: &mut Way) {
        match rule {
            Rule::Relation { relation } => way.open.push((resource.clone(), relation.text.clone())),
            Rule::On {
                relation,
                edge,
                resource_type,
            } => {
                for (index, to) in self.edges(resource, &edge.text, &resource_type.text) {
                    let policy = self.world.warrants[index].policy.as_deref();
                    way.depends_on_who_asks |= policy.is_some_and(reads_check_ctx);
                    way.open.push((to, relation.text.clone()));
                }
            }
            Rule::Policy { policy } => {
                let def = self.world.policy_def(&policy.text);
                way.depends_on_who_asks |= def.is_some_and(|p| reads_check_ctx(&p.expression));
            }
            Rule::Group { op, rules, .. } => {
                way.depends_on_who_asks |= *op == GroupOp::NoneOf;
                for inner in rules {
                    self.follow(inner, resource, way);
                }
            }
        }
    }
}

/// Judged by the text, on the safe side: `$env` could reach `check_ctx` by a computed name.
fn reads_check_ctx(expression: &str) -> bool {
    expression.contains("check_ctx") || expression.contains("$env")
}
