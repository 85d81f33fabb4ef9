//! The query of each kind of set: one column for each column of the key of its type.

use rowgate_binding::Table;
use rowgate_binding::authz::{GRANT, relation};

use super::clause::{conditions, indent, is_edge, join};
use super::key::{self, Coding};
use super::quote::{self, qualified};
use super::within;
use super::writer::{Object, Sql, Whose, Writer};
use crate::error::Refusal;
use crate::predicate::{Join, Node, Predicate, Reading, Set};
use crate::shape::KeyType;

/// What is known of the rows whose keys are asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    /// Nothing: there may be none, and then nothing holds for them.
    LookedUp,
    /// They are there, see [`super::reference`].
    Referred,
}

/// Whether each row of a table is a resource, by the one column of its key.
fn counts_as_it_is(table: &Table) -> bool {
    table.conditions.is_empty() && table.id.len() == 1
}

impl Writer<'_> {
    /// The query that lists a set. Without a subject it lists nothing.
    pub(crate) fn set(&mut self, set: &Set) -> Sql {
        self.members(set, Rows::LookedUp)
    }

    /// The same, with what is known of the rows.
    pub(super) fn members(&mut self, set: &Set, known: Rows) -> Sql {
        match set {
            Set::Union(sets) => {
                let parts: Result<Vec<String>, _> = sets
                    .iter()
                    .map(|set| self.members(set, known).map(part_of_union))
                    .collect();
                Ok(parts?.join("\nunion all\n"))
            }
            Set::Warrants {
                resource_type,
                relations,
                reading,
            } => {
                let tests = self.of_warrants("w", resource_type, relations, *reading);
                Ok(self.warrants_where(resource_type, &tests))
            }
            Set::Edges {
                resource_type,
                relation,
                far,
                group,
                reading,
                holds,
            } => {
                let mut tests = self.stored("w", resource_type, relation, *reading);
                tests.extend(stored_subject("w", far, group.as_deref()));
                if holds.holds_without_subject() {
                    tests.extend(self.who.is_somebody());
                }
                let far = far.as_str();
                let id = Object::Id {
                    resource_type: far,
                    id: "w.subject_id",
                };
                tests.push(self.condition(holds, &id)?);
                Ok(self.warrants_where(resource_type, &tests))
            }
            Set::Strangers {
                resource_type,
                relation,
                known,
            } => {
                let tests = self.of_strangers("w", resource_type, relation, known);
                Ok(self.warrants_where(resource_type, &tests))
            }
            Set::Joined { resource_type, join } => {
                let equal = self.columns_are_me(&join.table.name, &join.columns, "j");
                Ok(self.join_where(resource_type, join, equal))
            }
            Set::JoinedThrough {
                resource_type,
                join,
                far,
                holds,
            } => {
                let keys = self.key_columns(&join.table.name, &join.columns, "j");
                let mut tests = Vec::new();
                if holds.holds_without_subject() {
                    tests.extend(is_edge(&keys));
                    tests.extend(self.who.is_somebody());
                }
                tests.push(self.condition(holds, &Object::of_keys(far, keys))?);
                Ok(self.join_where(resource_type, join, tests))
            }
            Set::Rows(node) => {
                let Some(table) = self.table_of(&node.resource_type) else {
                    return Ok(nothing());
                };
                // One scan for each way to hold, so that each can use its own index.
                let scans: Result<Vec<String>, _> = self
                    .ways(node)?
                    .iter()
                    .map(|way| match way {
                        Predicate::In(set) if known == Rows::Referred && counts_as_it_is(table) => {
                            self.granted(set)
                        }
                        way => self.rows(table, way),
                    })
                    .collect();
                Ok(scans?.join("\nunion all\n"))
            }
            Set::Recursive(node) => self.recursive(node),
        }
    }

    /// The members of a set of keys of one column, for rows that need not be looked up.
    fn granted(&mut self, set: &Set) -> Sql {
        let member = "s.k1";
        let [KeyType::Text] = self.types_of(set.resource_type())[..] else {
            return self.set(set).map(part_of_union);
        };
        // Warrants have a collation of their own, which would be at odds with that of a column.
        let tests: Vec<String> = key::is_id(member, KeyType::Text).into_iter().collect();
        let name = self.with(set)?;
        Ok(format!(
            "select {member} collate pg_catalog.\"default\"\nfrom {name} s\nwhere {}",
            join(&tests, "and")
        ))
    }

    /// What makes a row count, one alternative for each.
    pub(super) fn ways(&self, node: &Node) -> Result<Vec<Predicate>, Refusal> {
        Ok(match self.builder.row_of(node)? {
            Predicate::Any(parts) if !parts.is_empty() => parts,
            one => vec![one],
        })
    }

    /// Rows of a table for which a predicate holds.
    pub(crate) fn rows(&mut self, table: &Table, predicate: &Predicate) -> Sql {
        let mut tests = self.ids("t", table);
        tests.push(self.row(predicate, "t", table)?);
        let keys = self.key_columns(&table.name, &table.id, "t");
        Ok(select(&keys, &format!("{} t", qualified(&table.name)), &tests))
    }

    /// Tests that a row's key is an id.
    pub(crate) fn ids(&self, alias: &str, table: &Table) -> Vec<String> {
        match self.key_columns(&table.name, &table.id, alias).as_slice() {
            [_] => self.is_own_id(table, alias).into_iter().collect(),
            _ => self.fits(table, alias).into_iter().collect(),
        }
    }

    /// The test that the one text column of a row's key is an id. `*` stands for everybody, and what is empty for nobody.
    pub(crate) fn is_own_id(&self, table: &Table, alias: &str) -> Option<String> {
        match self.key_columns(&table.name, &table.id, alias).as_slice() {
            [(key, ty)] => key::is_id(key, *ty),
            _ => None,
        }
    }

    /// The tests of a warrant `w` that names the subject, or everybody, in one of the relations.
    pub(super) fn of_warrants(
        &mut self,
        w: &str,
        resource_type: &str,
        relations: &[String],
        reading: Reading,
    ) -> Vec<String> {
        let mut tests = vec![format!("{w}.environment = {}", self.environment)];
        tests.push(format!(
            "{w}.subject_type = {}",
            quote::text(&self.builder.rules.subject_type)
        ));
        let named = self.who.named();
        tests.push(match self.whose {
            Whose::All => {
                let read = relations
                    .iter()
                    .map(|relation| (resource_type.to_owned(), relation.clone()));
                self.of_everybody.extend(read);
                format!("{w}.subject_id = any (array[{named}, '*'])")
            }
            Whose::Own => format!("{w}.subject_id = {named}"),
        });
        tests.push(format!("{w}.subject_relation = ''"));
        tests.push(format!("{w}.resource_type = {}", quote::text(resource_type)));
        tests.push(match relations {
            [relation] => format!("{w}.relation = {}", quote::text(relation)),
            many => format!(
                "{w}.relation in ({})",
                quote::texts(many.iter().map(String::as_str))
            ),
        });
        tests.extend(certain(w, resource_type, reading));
        tests.extend(self.who.is_somebody());
        tests
    }

    /// The tests of a warrant `w` that names a group other than those known.
    pub(super) fn of_strangers(
        &self,
        w: &str,
        resource_type: &str,
        relation: &str,
        known: &[(String, String)],
    ) -> Vec<String> {
        let mut tests = self.stored(w, resource_type, relation, Reading::May);
        tests.push(format!("{w}.subject_relation <> ''"));
        if !known.is_empty() {
            let pair = |(ty, relation): &(String, String)| {
                format!("({}, {})", quote::text(ty), quote::text(relation))
            };
            let known: Vec<String> = known.iter().map(pair).collect();
            tests.push(format!(
                "({w}.subject_type, {w}.subject_relation) not in ({})",
                known.join(", ")
            ));
        }
        tests.extend(self.who.is_somebody());
        tests
    }

    /// The tests of a warrant `w`: its resource type and relation.
    pub(super) fn stored(
        &self,
        w: &str,
        resource_type: &str,
        relation: &str,
        reading: Reading,
    ) -> Vec<String> {
        let mut tests = vec![
            format!("{w}.environment = {}", self.environment),
            format!("{w}.resource_type = {}", quote::text(resource_type)),
            format!("{w}.relation = {}", quote::text(relation)),
        ];
        tests.extend(certain(w, resource_type, reading));
        tests
    }

    fn warrants_where(&self, resource_type: &str, tests: &[String]) -> String {
        let types = self.types_of(resource_type);
        let keys = key::keys("w.resource_id", &types, &Coding::of(resource_type, types.len()));
        format!(
            "select {}\nfrom rowgate.warrant w\nwhere {}",
            keys.join(", "),
            join(tests, "and")
        )
    }

    fn join_where(&self, resource_type: &str, join_table: &Join, mut tests: Vec<String>) -> String {
        tests.extend(conditions("j", &join_table.table.conditions));
        let keys = self.key_columns(&join_table.table.name, &join_table.table.key, "j");
        debug_assert_eq!(
            keys.len(),
            self.types_of(resource_type).len(),
            "checked with the bindings"
        );
        select(&keys, &format!("{} j", qualified(&join_table.table.name)), &tests)
    }
}

/// A query that can stand beside others in a union.
fn part_of_union(query: String) -> String {
    if query.starts_with("with ") {
        format!("(\n{}\n)", indent(&query))
    } else {
        query
    }
}

/// The tests of the subject of a warrant `w`: a resource as an edge, or a group.
pub(crate) fn stored_subject(w: &str, far: &str, group: Option<&str>) -> Vec<String> {
    let mut tests = vec![format!("{w}.subject_type = {}", quote::text(far))];
    tests.push(format!(
        "{w}.subject_relation = {}",
        quote::text(group.unwrap_or_default())
    ));
    if group.is_none() {
        tests.push(format!("{w}.subject_id <> '*'"));
    }
    tests
}

/// Of warrants `w` with policies nothing is known here: they are not definitely true. Except of those who have a grant until some moment.
pub(crate) fn certain(w: &str, resource_type: &str, reading: Reading) -> Option<String> {
    let plain = format!("{w}.policy_hash = ''::bytea");
    match reading {
        Reading::May => None,
        Reading::Must if resource_type == GRANT => Some(format!(
            "({plain} or {w}.relation = {} and {})",
            quote::text(relation::MEMBER),
            within::in_force(&format!("{w}.policy"))
        )),
        Reading::Must => Some(plain),
    }
}

/// A query of key columns, with the types that sets have.
pub(crate) fn select(keys: &[(String, KeyType)], from: &str, tests: &[String]) -> String {
    let keys: Vec<String> = keys
        .iter()
        .map(|(key, ty)| format!("{key}::{}", ty.sql()))
        .collect();
    let wanted = if tests.is_empty() {
        String::new()
    } else {
        format!("\nwhere {}", join(tests, "and"))
    };
    format!("select {}\nfrom {from}{wanted}", keys.join(", "))
}

pub(crate) fn nothing() -> String {
    "select null::text where false".to_owned()
}

/// What a set is called in the name of its function.
pub(crate) fn short_name(set: &Set) -> String {
    match set {
        Set::Union(sets) => {
            let mut names: Vec<String> = sets.iter().map(short_name).collect();
            names.dedup();
            let prefix = format!("{}_", set.resource_type());
            let rest: Vec<&str> = names
                .iter()
                .map(|name| name.strip_prefix(&prefix).unwrap_or(name))
                .collect();
            format!("{prefix}{}", rest.join("_"))
        }
        Set::Warrants {
            resource_type,
            relations,
            ..
        } => format!("{resource_type}_{}", relations.join("_")),
        Set::Edges {
            resource_type,
            relation,
            ..
        }
        | Set::Strangers {
            resource_type,
            relation,
            ..
        } => format!("{resource_type}_{relation}"),
        Set::Joined { resource_type, join }
        | Set::JoinedThrough {
            resource_type, join, ..
        } => {
            format!("{resource_type}_{}", join.table.name.name)
        }
        Set::Rows(node) | Set::Recursive(node) => format!("{}_{}", node.resource_type, node.relation),
    }
    .replace(|c: char| !c.is_ascii_alphanumeric() && c != '_', "_")
}
