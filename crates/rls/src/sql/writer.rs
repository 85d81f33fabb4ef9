//! Predicates as SQL conditions.
//!
//! In a condition null counts as false, as it does in a policy. A negation is written `is not true`, so it is never null itself.
//! How a column is compared with the members of a set is said by [`Comparison`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rowgate_binding::{Qualified, Table};

use super::clause::{column, conditions, indent, join};
use super::key::{self, Coding};
use super::reference::Reference;
use super::who::Who;
use crate::error::Refusal;
use crate::predicate::{Builder, Predicate, Set};
use crate::shape::{KeyType, Shapes};

pub(crate) type Sql = Result<String, Refusal>;

/// What a condition is about.
#[derive(Debug, Clone)]
pub(crate) enum Object<'o> {
    /// A row, known by an alias, or the row of a policy when that is empty.
    Row { alias: &'o str, table: &'o Table },
    /// A resource by key columns, which need not have the types of its table's key when the type has no table.
    Keys {
        resource_type: &'o str,
        keys: Vec<(String, KeyType)>,
        /// In a policy: when there is a row for each value of the columns.
        refers: Option<Reference>,
    },
    /// A resource by its id.
    Id { resource_type: &'o str, id: &'o str },
}

impl<'o> Object<'o> {
    /// A resource by key columns of which nothing else is known.
    pub(super) fn of_keys(resource_type: &'o str, keys: Vec<(String, KeyType)>) -> Self {
        Self::Keys {
            resource_type,
            keys,
            refers: None,
        }
    }

    pub(super) fn resource_type(&self) -> &str {
        match self {
            Self::Row { table, .. } => &table.resource_type,
            Self::Keys { resource_type, .. } | Self::Id { resource_type, .. } => resource_type,
        }
    }
}

/// Where the sets of a condition go.
#[derive(Debug)]
pub(crate) enum Sets {
    /// Each into a function of its own. For policies, whose expressions run with the caller's rights.
    Functions(BTreeMap<String, SetFunction>),
    /// Into the `with` list of the statement: name and body, in order.
    With(Vec<(String, String)>),
}

/// A set with so many members is looked up in a hash table, and the rows of a page are read in its order until there are enough. With fewer,
/// what they lead to is found by indexes of the columns and then sorted. It takes a hundred thousand rows to make a difference of
/// a few milliseconds near this number, and far from it each way is a hundred times slower than the other.
pub(crate) const MANY: usize = 100;

/// How a column is compared with the members of a set that are listed. Both mean the same, null included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// `= any (…)` of an array, from a function or of a query: the planner evaluates that once and can use it as an index condition. Good for few
    /// members, and where everything that they lead to is wanted.
    Array,
    /// `in (select …)`: a hash table in which each row is looked up. Good for many members, where rows are read in some order and a few of them are
    /// wanted.
    HashTable,
}

/// How an object is found to be in a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    /// It is among the members, which are listed: an index can find the rows of a table by them.
    Listed,
    /// It is looked up.
    LookedUp,
}

/// Whose warrants are read for a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Its own, and everybody's.
    All,
    /// Its own.
    Own,
}

/// What a lookup asks first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Own {
    /// The lookup by the subject's own warrants: where it says yes, the answer is yes.
    pub(crate) found: String,
    /// Whether there are warrants of everybody that could make a difference.
    pub(crate) others: String,
}

/// A function about a set for the subject of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SetFunction {
    /// Of one that lists a query, of one that looks up an expression.
    pub(crate) body: String,
    /// The types of a member's columns: of the result, or of the arguments of a function that looks a member up.
    pub(crate) columns: Vec<KeyType>,
    /// Whether it lists the members or looks one up.
    pub(crate) finding: Finding,
    /// The set, in words.
    pub(crate) comment: String,
    /// For a table whose column leads to rows that are there, which is the argument then: the test that they are, and the body without a look at
    /// them.
    pub(crate) referred: Option<(String, String)>,
    /// A query of nearly as many rows as there are members, where a condition asks if the set is large.
    pub(crate) weight: Option<String>,
    /// What a lookup asks before its body.
    pub(crate) own: Option<Own>,
}

/// Writes the SQL of one relation.
#[derive(Debug)]
pub(crate) struct Writer<'w> {
    pub(crate) builder: &'w Builder<'w>,
    pub(crate) shapes: &'w Shapes,
    pub(crate) environment: i32,
    pub(crate) who: &'w Who,
    pub(crate) sets: Sets,
    pub(crate) comparison: Comparison,
    /// The entries of the `with` list that columns were compared with.
    pub(crate) compared: BTreeSet<String>,
    pub(super) names: HashMap<Set, String>,
    pub(super) finding: Finding,
    /// In a policy: a call that says whether the statement names its rows by their key, and so is about a few.
    pub(super) by_key: Option<String>,
    /// Whether the condition stands in a negation, where no index serves it.
    pub(super) negated: bool,
    /// Whether there is a negation in what was written.
    pub(super) negates: bool,
    /// Whose warrants are read.
    pub(super) whose: Whose,
    /// Types and relations of which everybody's warrants are read.
    pub(super) of_everybody: BTreeSet<(String, String)>,
    aliases: usize,
}

impl<'w> Writer<'w> {
    pub(crate) fn new(
        builder: &'w Builder<'w>,
        shapes: &'w Shapes,
        environment: i32,
        who: &'w Who,
        sets: Sets,
    ) -> Self {
        Self {
            builder,
            shapes,
            environment,
            who,
            sets,
            comparison: Comparison::Array,
            compared: BTreeSet::new(),
            names: HashMap::new(),
            finding: Finding::Listed,
            by_key: None,
            negated: false,
            negates: false,
            whose: Whose::All,
            of_everybody: BTreeSet::new(),
            aliases: 0,
        }
    }

    /// The same with objects found in another way.
    pub(crate) fn finding(self, finding: Finding) -> Self {
        Self { finding, ..self }
    }

    /// The same for a policy, with a form for statements that name their rows by their key.
    pub(crate) fn by_key(self, call: Option<String>) -> Self {
        Self { by_key: call, ..self }
    }

    /// A writer of the body of a function.
    pub(super) fn inner(&self) -> Writer<'w> {
        let sets = Sets::With(Vec::new());
        Writer::new(self.builder, self.shapes, self.environment, &Who::Body, sets).finding(self.finding)
    }

    /// An alias that nothing else in the statement has.
    pub(super) fn alias(&mut self, letter: &str) -> String {
        self.aliases += 1;
        format!("{letter}{}", self.aliases)
    }

    /// The condition under which a row counts and the predicate holds.
    pub(crate) fn row(&mut self, predicate: &Predicate, alias: &str, table: &Table) -> Sql {
        let mut parts = conditions(alias, &table.conditions);
        if predicate.holds_without_subject() {
            parts.extend(self.who.is_somebody());
        }
        parts.extend(self.fits(table, alias));
        let object = Object::Row { alias, table };
        parts.push(self.condition(predicate, &object)?);
        Ok(join(&parts, "and"))
    }

    /// Columns of a table with their key types. Columns that cannot hold keys were refused before.
    pub(crate) fn key_columns(
        &self,
        table: &Qualified,
        columns: &[String],
        alias: &str,
    ) -> Vec<(String, KeyType)> {
        let types = self.shapes.keys(table, columns).unwrap_or_default();
        columns
            .iter()
            .zip(types)
            .map(|(name, ty)| (column(alias, name), ty))
            .collect()
    }

    /// The id of an object, as text.
    pub(super) fn id_of(&self, object: &Object<'_>) -> String {
        let resource_type = object.resource_type();
        match object {
            Object::Row { alias, table } => {
                let keys = self.key_columns(&table.name, &table.id, alias);
                key::id(&keys, &Coding::of(resource_type, keys.len()))
            }
            Object::Keys { keys, .. } => key::id(keys, &Coding::of_columns(resource_type, keys.len())),
            Object::Id { id, .. } => (*id).to_owned(),
        }
    }

    /// The key types of a type: those of its table, or text.
    pub(crate) fn types_of(&self, resource_type: &str) -> Vec<KeyType> {
        match self.builder.rules.resolved.table_of_type(resource_type) {
            Some(table) => self.shapes.keys(&table.name, &table.id).unwrap_or_default(),
            None => vec![KeyType::Text],
        }
    }

    /// The bound table of a type.
    pub(crate) fn table_of(&self, resource_type: &str) -> Option<&'w Table> {
        self.builder.rules.resolved.table_of_type(resource_type)
    }

    /// A statement with the `with` list in front of it.
    pub(crate) fn statement(&self, select: &str) -> String {
        let Sets::With(list) = &self.sets else {
            return select.to_owned();
        };
        if list.is_empty() {
            return select.to_owned();
        }
        let named = |(name, body): &(String, String)| format!("{name} as (\n{}\n)", indent(body));
        let parts: Vec<String> = list.iter().map(named).collect();
        format!("with recursive {}\n{select}", parts.join(", "))
    }
}
