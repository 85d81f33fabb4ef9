//! The keys that an unknown answer lacked.

use crate::names::{Resource, Subject};
use crate::oracle::{Oracle, Pair, Table};
use crate::policies::{Judgement, Met};
use crate::strata::NotStratified;
use crate::value::Value;
use rowgate_schema::ast::Rule;
use std::collections::BTreeSet;

/// What an unknown value was unknown by.
#[derive(Debug, Default)]
struct Blame {
    /// Keys of unknown policies.
    keys: BTreeSet<String>,
    /// Other pairs, unknown themselves.
    pairs: Vec<Pair>,
}

impl Blame {
    fn policy(&mut self, judgement: Judgement) {
        if judgement.value == Value::Unknown {
            self.keys.extend(judgement.keys);
        }
    }

    fn pair(&mut self, resource: &Resource, relation: &str, table: &Table) {
        if table.get(resource, relation) == Value::Unknown {
            self.pairs.push((resource.clone(), relation.to_owned()));
        }
    }

    /// A warrant and what it leads to: the smaller counts, and says something only when it is unknown.
    fn hop(&mut self, warrant: Judgement, resource: &Resource, relation: &str, table: &Table) {
        if warrant.value.min(table.get(resource, relation)) == Value::Unknown {
            self.policy(warrant);
            self.pair(resource, relation, table);
        }
    }
}

impl Oracle {
    /// The keys of the unknown policies that the answer depended on; empty when the answer is true or false.
    ///
    /// # Errors
    /// As [`Oracle::holds`].
    pub fn missing_keys(
        &self,
        resource: impl Into<Resource>,
        relation: &str,
        subject: impl Into<Subject>,
    ) -> Result<BTreeSet<String>, NotStratified> {
        let resource = resource.into();
        self.strata.check(&resource.resource_type, relation)?;
        let table = self.table(&subject.into(), false, &[&resource]);
        Ok(self.missing_in(&table, &resource, relation))
    }

    /// The keys of the unknown policies that are reached from an unknown pair through unknown values only.
    pub(crate) fn missing_in(&self, table: &Table, resource: &Resource, relation: &str) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut open = vec![(resource.clone(), relation.to_owned())];
        while let Some((resource, relation)) = open.pop() {
            let fresh = seen.insert((resource.clone(), relation.clone()));
            if !fresh || table.get(&resource, &relation) != Value::Unknown {
                continue;
            }
            let blame = self.blame(&resource, &relation, table);
            keys.extend(blame.keys);
            open.extend(blame.pairs);
        }
        keys
    }

    fn blame(&self, resource: &Resource, relation: &str, table: &Table) -> Blame {
        let met = Met {
            resource,
            relation,
            subject: &table.subject,
        };
        let mut blame = Blame::default();
        for (index, warrant) in self.world.warrants_on(resource, relation) {
            let judgement = self.policies.of_warrant(index, met);
            let everybody = Subject::wildcard(&table.subject.resource_type);
            let by_wildcard = table.subject.relation.is_none() && warrant.subject == everybody;
            if warrant.subject == table.subject || by_wildcard {
                blame.policy(judgement.clone());
            }
            if let Some(group_relation) = &warrant.subject.relation {
                blame.hop(judgement, &warrant.subject.resource(), group_relation, table);
            }
        }
        if let Some(rule) = self.world.rule_of(&resource.resource_type, relation)
            && !table.explicit
        {
            self.blame_rule(rule, resource, relation, table, &mut blame);
        }
        blame
    }

    fn blame_rule(&self, rule: &Rule, resource: &Resource, relation: &str, table: &Table, blame: &mut Blame) {
        if self.rule(rule, resource, relation, table) != Value::Unknown {
            return;
        }
        let met = Met {
            resource,
            relation,
            subject: &table.subject,
        };
        match rule {
            Rule::Relation { relation } => blame.pair(resource, &relation.text, table),
            Rule::On {
                relation: far,
                edge,
                resource_type,
            } => {
                for (index, to) in self.edges(resource, &edge.text, &resource_type.text) {
                    blame.hop(self.policies.of_warrant(index, met), &to, &far.text, table);
                }
            }
            Rule::Policy { policy } => {
                let context = self.bound.context(resource, &self.context);
                blame.policy(self.policies.of_schema(&policy.text, met, &context));
            }
            Rule::Group { rules, .. } => {
                for inner in rules {
                    self.blame_rule(inner, resource, relation, table, blame);
                }
            }
        }
    }
}
