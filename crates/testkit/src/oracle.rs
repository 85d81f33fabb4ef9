//! The naive reference evaluator: docs/semantics.md in code, by brute force.
//!
//! For one subject it keeps a table of all (resource, relation) pairs. Every pair starts at false; the equations of
//! the page are applied to every pair again and again until nothing changes, one stratum after the other. Nothing
//! here is clever on purpose.

use crate::bound::Bound;
use crate::names::{Resource, Subject};
use crate::policies::{Context, Met, Policies};
use crate::strata::{NotStratified, Strata};
use crate::value::Value;
use crate::world::World;
use rowgate_schema::ast::{GroupOp, Rule};
use std::collections::{BTreeMap, BTreeSet};

/// Answers questions about one world with one context at one time.
#[derive(Debug)]
pub struct Oracle {
    pub(crate) world: World,
    pub(crate) context: Context,
    pub(crate) now: i64,
    pub(crate) policies: Policies,
    pub(crate) strata: Strata,
    pub(crate) bound: Bound,
}

/// A resource and a relation: what the table has a value for.
pub(crate) type Pair = (Resource, String);

/// The values of all pairs for one subject.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) subject: Subject,
    /// Whether rules are left out.
    pub(crate) explicit: bool,
    values: BTreeMap<Pair, Value>,
}

impl Table {
    pub(crate) fn get(&self, resource: &Resource, relation: &str) -> Value {
        let pair = (resource.clone(), relation.to_owned());
        self.values.get(&pair).copied().unwrap_or(Value::False)
    }
}

impl Oracle {
    /// An oracle for the world. `now` is in microseconds since 1970.
    ///
    /// # Panics
    /// When a policy of the world does not compile: such a world cannot be stored.
    pub fn new(world: &World, context: &Context, now: i64) -> Self {
        Self {
            world: world.clone(),
            context: context.clone(),
            now,
            policies: Policies::compile(world, context, now),
            strata: Strata::new(world),
            bound: Bound::default(),
        }
    }

    /// The same oracle where some types are bound to tables.
    #[must_use]
    pub fn with_bound(self, bound: Bound) -> Self {
        Self { bound, ..self }
    }

    /// The value of the check.
    ///
    /// # Errors
    /// When it depends on a relation that depends on itself through `none_of`. The answer is then "unknown, never
    /// true"; it is told apart because an engine may be more precise about other parts of the question.
    pub fn holds(
        &self,
        resource: impl Into<Resource>,
        relation: &str,
        subject: impl Into<Subject>,
    ) -> Result<Value, NotStratified> {
        let resource = resource.into();
        self.strata.check(&resource.resource_type, relation)?;
        Ok(self
            .table(&subject.into(), false, &[&resource])
            .get(&resource, relation))
    }

    /// [`Oracle::holds`] for many resources and relations and one subject, which costs no more than one of them.
    pub fn holds_many<'a>(
        &self,
        pairs: impl IntoIterator<Item = &'a (Resource, String)>,
        subject: impl Into<Subject>,
    ) -> Vec<Result<Value, NotStratified>> {
        let pairs: Vec<_> = pairs.into_iter().collect();
        let asked: Vec<_> = pairs.iter().map(|(resource, _)| resource).collect();
        let table = self.table(&subject.into(), false, &asked);
        let value = |(resource, relation): &(Resource, String)| {
            self.strata.check(&resource.resource_type, relation)?;
            Ok(table.get(resource, relation))
        };
        pairs.into_iter().map(value).collect()
    }

    /// Whether nothing in the world depends on itself through `none_of`.
    pub fn is_stratified(&self) -> bool {
        self.strata.all_good()
    }

    /// The value of the check when rules are left out: steps 1 to 3 of the page.
    pub fn holds_explicit(
        &self,
        resource: impl Into<Resource>,
        relation: &str,
        subject: impl Into<Subject>,
    ) -> Value {
        let resource = resource.into();
        self.table(&subject.into(), true, &[&resource])
            .get(&resource, relation)
    }

    /// `is_implicit` of the check: false when the answer is true by a direct or wildcard warrant on the very
    /// resource and relation, true when it is true in another way. An answer that is not true is not implicit.
    ///
    /// # Errors
    /// As [`Oracle::holds`].
    pub fn is_implicit_check(
        &self,
        resource: impl Into<Resource>,
        relation: &str,
        subject: impl Into<Subject>,
    ) -> Result<bool, NotStratified> {
        let (resource, subject) = (resource.into(), subject.into());
        if self.holds(&resource, relation, &subject)? != Value::True {
            return Ok(false);
        }
        let direct = self.direct(&resource, relation, &subject);
        let wildcard = self.wildcard(&resource, relation, &subject);
        Ok(Value::any_of([direct, wildcard]) != Value::True)
    }

    /// The least fixpoint for one subject.
    pub(crate) fn table(&self, subject: &Subject, explicit: bool, asked: &[&Resource]) -> Table {
        let mut resources = self.world.existing();
        resources.extend(asked.iter().copied().cloned());
        let relations = self.world.relation_names();
        let pairs: BTreeSet<Pair> = resources
            .iter()
            .flat_map(|x| relations.iter().map(|r| (x.clone(), r.clone())))
            .collect();

        let values = pairs.iter().map(|pair| (pair.clone(), Value::False)).collect();
        let mut table = Table {
            subject: subject.clone(),
            explicit,
            values,
        };
        if explicit {
            // Without rules there is no negation, hence one stratum.
            self.iterate(pairs.iter(), &mut table);
            return table;
        }
        for stratum in 0..=self.strata.highest() {
            let here = pairs.iter().filter(|(resource, relation)| {
                self.strata.check(&resource.resource_type, relation).is_ok()
                    && self.strata.of(&resource.resource_type, relation) == stratum
            });
            self.iterate(here, &mut table);
        }
        table
    }

    fn iterate<'a>(&self, pairs: impl Iterator<Item = &'a Pair> + Clone, table: &mut Table) {
        loop {
            let mut changed = false;
            for (resource, relation) in pairs.clone() {
                let (before, after) = (
                    table.get(resource, relation),
                    self.equation(resource, relation, table),
                );
                assert!(after >= before, "values only grow within a stratum");
                if after > before {
                    table.values.insert((resource.clone(), relation.clone()), after);
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
    }

    /// The largest of the four steps, given the values so far.
    fn equation(&self, resource: &Resource, relation: &str, table: &Table) -> Value {
        if self.bound.has_no_row(resource) {
            return Value::False;
        }
        let subject = &table.subject;
        let explicit = [
            self.direct(resource, relation, subject),
            self.wildcard(resource, relation, subject),
            self.group(resource, relation, table),
        ];
        let rule = match self.world.rule_of(&resource.resource_type, relation) {
            Some(rule) if !table.explicit => self.rule(rule, resource, relation, table),
            _ => Value::False,
        };
        Value::any_of(explicit.into_iter().chain([rule]))
    }

    /// Step 1.
    pub(crate) fn direct(&self, resource: &Resource, relation: &str, subject: &Subject) -> Value {
        let met = Met {
            resource,
            relation,
            subject,
        };
        let matching = self
            .world
            .warrants_on(resource, relation)
            .filter(|(_, w)| w.subject == *subject);
        Value::any_of(matching.map(|(index, _)| self.policies.of_warrant(index, met).value))
    }

    /// Step 2.
    pub(crate) fn wildcard(&self, resource: &Resource, relation: &str, subject: &Subject) -> Value {
        if subject.relation.is_some() {
            return Value::False;
        }
        let met = Met {
            resource,
            relation,
            subject,
        };
        let everybody = Subject::wildcard(&subject.resource_type);
        let matching = self
            .world
            .warrants_on(resource, relation)
            .filter(|(_, w)| w.subject == everybody);
        Value::any_of(matching.map(|(index, _)| self.policies.of_warrant(index, met).value))
    }

    /// Step 3.
    fn group(&self, resource: &Resource, relation: &str, table: &Table) -> Value {
        let met = Met {
            resource,
            relation,
            subject: &table.subject,
        };
        let groups = self
            .world
            .warrants_on(resource, relation)
            .filter_map(|(index, w)| {
                let group_relation = w.subject.relation.as_deref()?;
                let warrant = self.policies.of_warrant(index, met).value;
                Some(Value::all_of([
                    warrant,
                    table.get(&w.subject.resource(), group_relation),
                ]))
            });
        Value::any_of(groups)
    }

    /// Step 4: the value of a rule of `relation` on `resource`.
    pub(crate) fn rule(&self, rule: &Rule, resource: &Resource, relation: &str, table: &Table) -> Value {
        let met = Met {
            resource,
            relation,
            subject: &table.subject,
        };
        match rule {
            Rule::Relation { relation } => table.get(resource, &relation.text),
            Rule::On {
                relation: far,
                edge,
                resource_type,
            } => {
                let edges = self
                    .edges(resource, &edge.text, &resource_type.text)
                    .map(|(index, to)| {
                        let warrant = self.policies.of_warrant(index, met).value;
                        Value::all_of([warrant, table.get(&to, &far.text)])
                    });
                Value::any_of(edges)
            }
            Rule::Policy { policy } => {
                let context = self.bound.context(resource, &self.context);
                self.policies.of_schema(&policy.text, met, &context).value
            }
            Rule::Group { op, rules, .. } => {
                let values = rules
                    .iter()
                    .map(|inner| self.rule(inner, resource, relation, table));
                match op {
                    GroupOp::AnyOf => Value::any_of(values),
                    GroupOp::AllOf => Value::all_of(values),
                    GroupOp::NoneOf => Value::none_of(values),
                }
            }
        }
    }

    /// The stored warrants that `on EDGE [TYPE]` follows from the resource, and where they lead.
    pub(crate) fn edges<'a>(
        &'a self,
        resource: &'a Resource,
        edge: &'a str,
        resource_type: &'a str,
    ) -> impl Iterator<Item = (usize, Resource)> {
        self.world
            .warrants_on(resource, edge)
            .filter_map(move |(index, w)| {
                let plain = w.subject.relation.is_none() && w.subject.id != "*";
                (plain && w.subject.resource_type == resource_type).then(|| (index, w.subject.resource()))
            })
    }
}
