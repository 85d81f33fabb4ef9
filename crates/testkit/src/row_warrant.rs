//! The warrant of a row: all that the page allows, since it leaves open which of several it is.

use crate::names::{Resource, Subject};
use crate::oracle::{Oracle, Table};
use crate::policies::Met;
use crate::value::Value;
use crate::world::Warrant;
use rowgate_schema::ast::{GroupOp, Rule};
use std::collections::BTreeSet;

/// Which form the row is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Where,
    For,
}

/// Warrants by their place in the world.
type Found = BTreeSet<usize>;

impl Oracle {
    /// The warrants that the row (resource, relation) of a where-form may carry. Empty: it holds by `none_of` or a
    /// policy alone and carries its own tuple.
    pub fn warrants_of_where_row(
        &self,
        resource: impl Into<Resource>,
        relation: &str,
        subject: impl Into<Subject>,
    ) -> Vec<Warrant> {
        self.warrants_of_row(&resource.into(), relation, &subject.into(), Form::Where)
    }

    /// The warrants that the row (subject, relation) of a for-form may carry. Empty: as in the where-form.
    pub fn warrants_of_for_row(
        &self,
        resource: impl Into<Resource>,
        relation: &str,
        subject: impl Into<Subject>,
    ) -> Vec<Warrant> {
        self.warrants_of_row(&resource.into(), relation, &subject.into(), Form::For)
    }

    fn warrants_of_row(
        &self,
        resource: &Resource,
        relation: &str,
        subject: &Subject,
        form: Form,
    ) -> Vec<Warrant> {
        let search = Search {
            oracle: self,
            form,
            full: self.table(subject, false, &[resource]),
            explicit: self.table(subject, true, &[resource]),
        };
        let found = search.row(resource, relation, &mut BTreeSet::new());
        found
            .into_iter()
            .map(|index| self.world.warrants[index].clone())
            .collect()
    }
}

struct Search<'a> {
    oracle: &'a Oracle,
    form: Form,
    full: Table,
    explicit: Table,
}

impl Search<'_> {
    /// `path` keeps cycles from going on for ever; they add nothing.
    fn row(&self, resource: &Resource, relation: &str, path: &mut BTreeSet<(Resource, String)>) -> Found {
        let pair = (resource.clone(), relation.to_owned());
        if self.full.get(resource, relation) != Value::True || !path.insert(pair.clone()) {
            return Found::new();
        }
        let found = match self.explicit.get(resource, relation) {
            // An explicit one wins over an implicit one.
            Value::True => self.stored(resource, relation, &self.explicit),
            _ => {
                let mut found = self.stored(resource, relation, &self.full);
                if let Some(rule) = self.oracle.world.rule_of(&resource.resource_type, relation) {
                    found.extend(self.rule(rule, resource, relation, path));
                }
                found
            }
        };
        path.remove(&pair);
        found
    }

    /// Direct and wildcard warrants, and group warrants whose group has the subject.
    fn stored(&self, resource: &Resource, relation: &str, table: &Table) -> Found {
        let subject = &table.subject;
        let met = Met {
            resource,
            relation,
            subject,
        };
        let everybody = Subject::wildcard(&subject.resource_type);
        let named = |w: &Warrant| match &w.subject.relation {
            _ if w.subject == *subject => true,
            None => subject.relation.is_none() && w.subject == everybody,
            Some(group_relation) => table.get(&w.subject.resource(), group_relation) == Value::True,
        };
        let holds = |index: &usize| self.oracle.policies.of_warrant(*index, met).value == Value::True;
        let on_resource = self.oracle.world.warrants_on(resource, relation);
        on_resource
            .filter(|(_, w)| named(w))
            .map(|(index, _)| index)
            .filter(holds)
            .collect()
    }

    fn rule(
        &self,
        rule: &Rule,
        resource: &Resource,
        relation: &str,
        path: &mut BTreeSet<(Resource, String)>,
    ) -> Found {
        if self.oracle.rule(rule, resource, relation, &self.full) != Value::True {
            return Found::new();
        }
        let met = Met {
            resource,
            relation,
            subject: &self.full.subject,
        };
        match rule {
            Rule::Relation { relation } => self.row(resource, &relation.text, path),
            Rule::On {
                relation: far,
                edge,
                resource_type,
            } => {
                let mut found = Found::new();
                for (index, to) in self.oracle.edges(resource, &edge.text, &resource_type.text) {
                    let warrant = self.oracle.policies.of_warrant(index, met).value;
                    if warrant.min(self.full.get(&to, &far.text)) == Value::True {
                        match self.form {
                            Form::Where => found.extend([index]),
                            Form::For => found.extend(self.row(&to, &far.text, path)),
                        }
                    }
                }
                found
            }
            Rule::Policy { .. }
            | Rule::Group {
                op: GroupOp::NoneOf, ..
            } => Found::new(),
            Rule::Group { rules, .. } => rules
                .iter()
                .flat_map(|inner| self.rule(inner, resource, relation, path))
                .collect(),
        }
    }
}
