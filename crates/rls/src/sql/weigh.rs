//! How large a set is, nearly: a query of about as many rows as the set has members, which gives the first ones soon.
//!
//! Only for the choice between forms that mean the same. It counts grants of rows that are not there, and a member that is there for several reasons
//! for each of them.

use rowgate_binding::Table;

use super::clause::{conditions, indent, join};
use super::quote::qualified;
use super::writer::{Object, Sql, Writer};
use crate::error::Refusal;
use crate::predicate::{Predicate, Set};

/// A row, without saying which.
const ONE: &str = "select 1";

impl Writer<'_> {
    /// The query for a set.
    pub(super) fn weight(&mut self, set: &Set) -> Sql {
        match set {
            Set::Union(sets) => {
                let parts: Result<Vec<String>, _> = sets.iter().map(|set| self.weight(set)).collect();
                Ok(parts?.join("\nunion all\n"))
            }
            Set::Warrants {
                resource_type,
                relations,
                reading,
            } => {
                let tests = self.of_warrants("w", resource_type, relations, *reading);
                Ok(format!(
                    "{ONE}\nfrom rowgate.warrant w\nwhere {}",
                    join(&tests, "and")
                ))
            }
            Set::Rows(node) => {
                let Some(table) = self.table_of(&node.resource_type) else {
                    return self.set(set).map(counted);
                };
                let mut ways = self.ways(node)?;
                // What is there without a look at the table comes first: it may be enough.
                ways.sort_by_key(|way| !matches!(way, Predicate::In(_)));
                let weights: Result<Vec<String>, _> =
                    ways.iter().map(|way| self.weight_of_way(table, way)).collect();
                Ok(weights?.join("\nunion all\n"))
            }
            _ => self.set(set).map(counted),
        }
    }

    fn weight_of_way(&mut self, table: &Table, way: &Predicate) -> Sql {
        match way {
            Predicate::In(set) if table.conditions.is_empty() => self.weight(set),
            Predicate::Through { columns, far, holds } => match holds.as_ref() {
                Predicate::In(set) => match self.weight_behind(table, columns, far, set)? {
                    Some(weight) => Ok(weight),
                    None => self.rows(table, way).map(counted),
                },
                _ => self.rows(table, way).map(counted),
            },
            _ => self.rows(table, way).map(counted),
        }
    }

    /// The rows whose columns hold a member of a set of type `far`. An array of all members would be made before the first row is found. None in the
    /// authorization API, where members of one organization alone count.
    fn weight_behind(
        &mut self,
        table: &Table,
        columns: &[String],
        far: &str,
        set: &Set,
    ) -> Result<Option<String>, Refusal> {
        let keys = self.key_columns(&table.name, columns, "t");
        let object = Object::of_keys(far, keys);
        if self.of_organization(&object).is_some() {
            return Ok(None);
        }
        let compared = self.compared(set, &object);
        let name = self.with(set)?;
        let pairs = compared.left.iter().zip(&compared.members);
        let mut tests: Vec<String> = pairs.map(|(left, member)| format!("{left} = {member}")).collect();
        tests.extend(conditions("t", &table.conditions));
        Ok(Some(format!(
            "{ONE}\nfrom {name} s join {} t on {}",
            qualified(&table.name),
            join(&tests, "and")
        )))
    }
}

/// The rows of a query, as those of others in a union.
fn counted(query: String) -> String {
    format!("{ONE} from (\n{}\n) s", indent(&query))
}
