//! Whether one object is in a set: what puts it there is looked up, and the set is not listed. For new rows, which no index finds, and for rows
//! that a statement names by their key.
//!
//! A lookup can stand inside another one, so every source but the innermost warrants has an alias of its own, and no object is known by a
//! column of these.

use std::collections::BTreeSet;

use rowgate_binding::authz;

use super::clause::{conditions, indent, is_edge, join};
use super::key::{self, Coding};
use super::members::{Listing, in_schema};
use super::quote::{self, qualified};
use super::set::stored_subject;
use super::within::Columns;
use super::writer::{Comparison, Finding, Object, Own, SetFunction, Sets, Sql, Whose, Writer};
use crate::error::Refusal;
use crate::predicate::{Join, Predicate, Set, can_be_listed};
use crate::shape::KeyType;

/// For how long the keys of a statement's rows are looked up, before their set is listed. Looking one up takes about 0.1 ms, listing a set of
/// thousands some milliseconds. When both have taken as long, no more than twice what the better way takes is spent.
const WHILE: &str = "2 milliseconds";

/// The innermost warrants.
const W: &str = "l";

/// Whether of several conditions on an object only one is listed. In the authorization API that is what the subject has, a few grants. That the role
/// of a grant carries a permission is looked up for these, rather than listed for the grants of everybody.
pub(super) fn is_worth_it(object: &Object<'_>) -> bool {
    matches!(object, Object::Id { resource_type, .. } if authz::is_reserved(resource_type))
}

impl Writer<'_> {
    /// All of several conditions on an object: the first that can be is listed, the others are looked up.
    pub(super) fn one_listed(
        &mut self,
        parts: &[Predicate],
        object: &Object<'_>,
    ) -> Result<Vec<String>, Refusal> {
        let listed = parts.iter().position(can_be_listed);
        let mut out = Vec::with_capacity(parts.len());
        for (at, part) in parts.iter().enumerate() {
            let finding = if Some(at) == listed {
                Finding::Listed
            } else {
                Finding::LookedUp
            };
            let before = std::mem::replace(&mut self.finding, finding);
            let condition = self.condition(part, object);
            self.finding = before;
            out.push(condition?);
        }
        Ok(out)
    }

    /// The condition under which an object is in a set.
    pub(super) fn lookup(&mut self, set: &Set, object: &Object<'_>) -> Sql {
        if matches!(self.sets, Sets::Functions(_)) {
            return self.asked(set, object, Self::asked_at_first);
        }
        let found = self.found(set, object)?;
        Ok(match self.of_organization(object) {
            // A membership has access within its own organization alone.
            Some(Columns::Within(own, ..)) => format!("({own} = {} and {found})", self.organization()),
            _ => found,
        })
    }

    fn found(&mut self, set: &Set, object: &Object<'_>) -> Sql {
        match set {
            Set::Union(sets) => {
                let mut sets: Vec<&Set> = sets.iter().collect();
                sets.sort_by_key(|set| set.is_far());
                let parts: Result<Vec<String>, _> =
                    sets.into_iter().map(|set| self.found(set, object)).collect();
                Ok(format!("({})", join(&parts?, "or")))
            }
            Set::Warrants {
                resource_type,
                relations,
                reading,
            } => {
                let tests = self.of_warrants(W, resource_type, relations, *reading);
                Ok(self.warrant_on(object, tests))
            }
            Set::Strangers {
                resource_type,
                relation,
                known,
            } => {
                let tests = self.of_strangers(W, resource_type, relation, known);
                Ok(self.warrant_on(object, tests))
            }
            Set::Edges {
                resource_type,
                relation,
                far,
                group,
                reading,
                holds,
            } => {
                let mut tests = self.stored(W, resource_type, relation, *reading);
                tests.extend(stored_subject(W, far, group.as_deref()));
                tests.push(self.is_on(object));
                let alias = self.alias("e");
                let id = format!("{alias}.id");
                let holds = self.held(
                    holds,
                    &Object::Id {
                        resource_type: far,
                        id: &id,
                    },
                )?;
                // Warrants have a collation of their own, which would be at odds with that of a column.
                let subjects = format!(
                    "select {W}.subject_id collate pg_catalog.\"default\"\nfrom rowgate.warrant {W}\nwhere {}",
                    join(&tests, "and")
                );
                let from = format!("(\n{}\n) {alias} (id)", indent(&subjects));
                Ok(exists(&from, &[holds]))
            }
            Set::Joined { join, .. } => {
                let alias = self.alias("j");
                let equal = self.columns_are_me(&join.table.name, &join.columns, &alias);
                Ok(self.joins(join, object, &alias, equal))
            }
            Set::JoinedThrough { join, far, holds, .. } => {
                let alias = self.alias("j");
                let keys = self.key_columns(&join.table.name, &join.columns, &alias);
                let mut tests = Vec::new();
                if holds.holds_without_subject() {
                    tests.extend(is_edge(&keys));
                }
                let resource_type = far.as_str();
                tests.push(self.held(holds, &Object::of_keys(resource_type, keys))?);
                Ok(self.joins(join, object, &alias, tests))
            }
            Set::Rows(node) => {
                let Some(table) = self.table_of(&node.resource_type) else {
                    return Ok("false".to_owned());
                };
                let predicate = self.builder.row_of(node)?;
                let alias = self.alias("t");
                let mut tests = self.is_key_of(self.key_columns(&table.name, &table.id, &alias), object);
                tests.extend(self.ids(&alias, table));
                tests.push(self.row(&predicate, &alias, table)?);
                Ok(exists(&format!("{} {alias}", qualified(&table.name)), &tests))
            }
            // What is found step by step is found from its beginning.
            Set::Recursive(_) => Ok(self.found_by_list(set, object)?.by(Comparison::Array)),
        }
    }

    /// A condition with the test that somebody is signed in, where it could hold without.
    fn held(&mut self, holds: &Predicate, object: &Object<'_>) -> Sql {
        let mut tests = Vec::new();
        if holds.holds_without_subject() {
            tests.extend(self.who.is_somebody());
        }
        tests.push(self.condition(holds, object)?);
        Ok(join(&tests, "and"))
    }

    /// A condition as an expression, with the `with` list that it needs. A query around it would be one more to set up in each call.
    fn answer(&self, condition: &str) -> String {
        let select = format!("select {condition}");
        let statement = self.statement(&select);
        if statement == select {
            condition.to_owned()
        } else {
            format!("(\n{}\n)", indent(&statement))
        }
    }

    /// What is asked before a lookup that `written` has written: by the subject's own warrants, which are what most are found by. To read everybody's with
    /// them is a second search in an index, each time. None where more warrants could make a yes a no, and where something is listed on the way.
    fn own(&self, set: &Set, object: &Object<'_>, written: &Writer<'_>) -> Result<Option<Own>, Refusal> {
        if written.negates || written.of_everybody.is_empty() {
            return Ok(None);
        }
        let mut inner = self.inner().finding(Finding::LookedUp);
        inner.whose = Whose::Own;
        let found = inner.lookup(set, object)?;
        if !matches!(&inner.sets, Sets::With(list) if list.is_empty()) {
            return Ok(None);
        }
        let (types, relations): (BTreeSet<&str>, BTreeSet<&str>) = written
            .of_everybody
            .iter()
            .map(|(resource_type, relation)| (resource_type.as_str(), relation.as_str()))
            .unzip();
        let tests = [
            format!("e.environment = {}", self.environment),
            format!(
                "e.subject_type = {}",
                quote::text(&self.builder.rules.subject_type)
            ),
            "e.subject_id = '*'".to_owned(),
            "e.subject_relation = ''".to_owned(),
            format!("e.resource_type in ({})", quote::texts(types)),
            format!("e.relation in ({})", quote::texts(relations)),
        ];
        let others = format!("select from rowgate.warrant e\nwhere {}", join(&tests, "and"));
        Ok(Some(Own {
            found,
            others: format!("exists (\n{}\n)", indent(&others)),
        }))
    }

    fn found_by_list(&mut self, set: &Set, object: &Object<'_>) -> Result<Listing, Refusal> {
        let finding = std::mem::replace(&mut self.finding, Finding::Listed);
        let listing = self.listing(set, object);
        self.finding = finding;
        listing
    }

    fn warrant_on(&self, object: &Object<'_>, mut tests: Vec<String>) -> String {
        tests.push(self.is_on(object));
        exists(&format!("rowgate.warrant {W}"), &tests)
    }

    /// The test that a warrant is on an object.
    fn is_on(&self, object: &Object<'_>) -> String {
        format!("{W}.resource_id = ({}) collate \"C\"", self.id_of(object))
    }

    fn joins(&self, by: &Join, object: &Object<'_>, alias: &str, mut tests: Vec<String>) -> String {
        tests.extend(self.is_key_of(self.key_columns(&by.table.name, &by.table.key, alias), object));
        tests.extend(conditions(alias, &by.table.conditions));
        exists(&format!("{} {alias}", qualified(&by.table.name)), &tests)
    }

    /// Tests that columns hold the key of an object.
    fn is_key_of(&self, columns: Vec<(String, KeyType)>, object: &Object<'_>) -> Vec<String> {
        let wanted: Vec<KeyType> = columns.iter().map(|(_, ty)| *ty).collect();
        let (keys, types): (Vec<String>, Vec<KeyType>) = self.keys_of(object).into_iter().unzip();
        let keys = if types == wanted {
            keys
        } else {
            let coding = Coding::of(object.resource_type(), wanted.len());
            key::keys(&self.id_of(object), &wanted, &coding)
        };
        let pairs = columns.iter().zip(keys);
        pairs
            .map(|((column, _), key)| format!("{column} = {key}"))
            .collect()
    }

    /// What an object is known by.
    fn keys_of(&self, object: &Object<'_>) -> Vec<(String, KeyType)> {
        match object {
            Object::Row { alias, table } => self.key_columns(&table.name, &table.id, alias),
            Object::Keys { keys, .. } => keys.clone(),
            Object::Id { id, .. } => vec![((*id).to_owned(), KeyType::Text)],
        }
    }

    /// Calls of functions: policies have no right to read what they read. What is found step by step is always listed, once for a statement; the others
    /// are asked as `one` says.
    pub(super) fn asked(
        &mut self,
        set: &Set,
        object: &Object<'_>,
        one: impl FnOnce(&mut Self, &Set, &Object<'_>) -> Sql,
    ) -> Sql {
        let parts = match set {
            Set::Union(sets) => sets.as_slice(),
            one => std::slice::from_ref(one),
        };
        let (recursive, others): (Vec<Set>, Vec<Set>) = parts
            .iter()
            .cloned()
            .partition(|set| matches!(set, Set::Recursive(_)));
        let mut ways = Vec::new();
        match others.as_slice() {
            [] => {}
            [set] => ways.push(one(self, set, object)?),
            _ => ways.push(one(self, &Set::Union(others), object)?),
        }
        for set in recursive {
            ways.push(self.found_by_list(&set, object)?.by(Comparison::HashTable));
        }
        Ok(match ways.as_slice() {
            [one] => one.clone(),
            many => format!("({})", join(many, "or")),
        })
    }

    /// A key is looked up. Unless the text of the statement says so, nobody can tell beforehand for how many rows, so after a while the set is listed,
    /// once, and the other rows are looked up in that. The sub-selects are evaluated at most once for a statement, and not before a row needs them.
    fn asked_at_first(&mut self, set: &Set, object: &Object<'_>) -> Sql {
        let asked = self.asking_function(set, object)?;
        let listed = self.found_by_list(set, object)?.by(Comparison::HashTable);
        let few = self.by_key.as_ref();
        let few = few.map_or_else(String::new, |by_key| format!(" when {by_key} then {asked}"));
        Ok(format!(
            "case{few} when clock_timestamp() < (select clock_timestamp() + interval '{WHILE}') then {asked} else {listed} end"
        ))
    }

    /// A function that says whether the subject's set has a key.
    ///
    /// The guarded roles may call it, with any key. It is no way to learn about others: who asks is not an argument, it is the subject of the
    /// session, as everywhere; and the answer for a key is whether that key is in the list that the function of the whole set gives to the same
    /// caller, so all answers together tell what one call of that one tells. A key of no row, of a row of others, or of another form is
    /// in no such list and is answered alike, and nothing about a key raises an error. How long it takes may tell whether there is a row, as it
    /// does wherever a row is found by its key; unique and foreign keys tell those who may write it outright.
    pub(super) fn asking_function(&mut self, set: &Set, object: &Object<'_>) -> Sql {
        let (keys, types): (Vec<String>, Vec<KeyType>) = self.keys_of(object).into_iter().unzip();
        let numbered = (1..).map(|number| format!("${number}"));
        let numbered = numbered.zip(types.iter().copied()).collect();
        let argument = Object::of_keys(object.resource_type(), numbered);
        let mut inner = self.inner().finding(Finding::LookedUp);
        let condition = inner.lookup(set, &argument)?;
        let own = self.own(set, &argument, &inner)?;
        let name = self.add_function(
            set,
            SetFunction {
                body: inner.answer(&condition),
                columns: types,
                finding: Finding::LookedUp,
                comment: crate::words::set(set),
                referred: None,
                weight: None,
                own,
            },
        );
        Ok(format!("{}({})", in_schema(&name), keys.join(", ")))
    }
}

/// `offset 0` keeps the planner from listing all there is and looking the one up in that.
fn exists(from: &str, tests: &[String]) -> String {
    let query = format!("select from {from}\nwhere {}\noffset 0", join(tests, "and"));
    format!("exists (\n{}\n)", indent(&query))
}
