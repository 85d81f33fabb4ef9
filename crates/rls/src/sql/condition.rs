//! Predicates as conditions, one function for each kind.

use rowgate_binding::{Qualified, Table};

use super::clause::{column, is_edge, join};
use super::lookup;
use super::reference::Reference;
use super::who::Form;
use super::writer::{Finding, Object, Sets, Sql, Writer};
use crate::error::Refusal;
use crate::predicate::Predicate;

impl Writer<'_> {
    /// The condition under which a predicate holds.
    pub(crate) fn condition(&mut self, predicate: &Predicate, object: &Object<'_>) -> Sql {
        Ok(match predicate {
            Predicate::Any(parts) if parts.is_empty() => "false".to_owned(),
            Predicate::All(parts) if parts.is_empty() => "true".to_owned(),
            Predicate::Any(parts) => join(&self.all(self.in_turn(parts), object)?, "or"),
            Predicate::All(parts) if self.finding == Finding::Listed && lookup::is_worth_it(object) => {
                join(&self.one_listed(parts, object)?, "and")
            }
            Predicate::All(parts) => join(&self.all(parts, object)?, "and"),
            Predicate::Not(part) => {
                self.negates = true;
                let negated = std::mem::replace(&mut self.negated, true);
                let part = self.condition(part, object);
                self.negated = negated;
                format!("({}) is not true", part?)
            }
            Predicate::Mine(columns) => self.mine(columns, object),
            Predicate::Through { columns, far, holds } => self.through(columns, far, holds, object)?,
            Predicate::In(set) => self.membership(set, object)?,
            Predicate::Policy {
                policy,
                relation,
                reading,
                ..
            } => self.policy(policy, relation, *reading, object)?,
        })
    }

    /// Alternatives in the order in which they are tried. Where one object is looked up, those come first that need no other row.
    fn in_turn<'p>(&self, parts: &'p [Predicate]) -> Vec<&'p Predicate> {
        let mut parts: Vec<&Predicate> = parts.iter().collect();
        if self.finding == Finding::LookedUp {
            parts.sort_by_key(|part| part.is_far());
        }
        parts
    }

    fn all<'p>(
        &mut self,
        parts: impl IntoIterator<Item = &'p Predicate>,
        object: &Object<'_>,
    ) -> Result<Vec<String>, Refusal> {
        parts
            .into_iter()
            .map(|part| {
                let sql = self.condition(part, object)?;
                let many = |parts: &Vec<Predicate>| parts.len() > 1;
                let group = matches!(part, Predicate::Any(parts) | Predicate::All(parts) if many(parts));
                Ok(
                    if group || matches!(part, Predicate::Through { .. }) && sql.contains(" and ") {
                        format!("({sql})")
                    } else {
                        sql
                    },
                )
            })
            .collect()
    }

    fn mine(&self, columns: &[String], object: &Object<'_>) -> String {
        let Object::Row { alias, table } = object else {
            return "false".to_owned();
        };
        let equal = self.columns_are_me(&table.name, columns, alias);
        join(&equal, "and")
    }

    /// Columns that hold the subject's id.
    pub(crate) fn columns_are_me(&self, table: &Qualified, columns: &[String], alias: &str) -> Vec<String> {
        let parts = columns.len();
        let types = self.shapes.keys(table, columns).unwrap_or_default();
        let pairs = columns.iter().zip(types).enumerate();
        pairs
            .map(|(index, (name, ty))| {
                let part = index + 1;
                format!(
                    "{} = {}",
                    column(alias, name),
                    self.who.key(Form { ty, part, parts })
                )
            })
            .collect()
    }

    fn through(&mut self, columns: &[String], far: &str, holds: &Predicate, object: &Object<'_>) -> Sql {
        let Object::Row { alias, table } = object else {
            return Ok("false".to_owned());
        };
        let keys = self.key_columns(&table.name, columns, alias);
        let mut parts = Vec::new();
        if holds.holds_without_subject() {
            parts.extend(is_edge(&keys));
        }
        let refers = self.refers(table, columns, far);
        let far = Object::Keys {
            resource_type: far,
            keys,
            refers,
        };
        let sql = self.condition(holds, &far)?;
        let many = matches!(holds, Predicate::Any(inner) if inner.len() > 1) && !parts.is_empty();
        parts.push(if many { format!("({sql})") } else { sql });
        Ok(join(&parts, "and"))
    }

    /// In a policy: when there is a row of type `far` for each value of a column.
    fn refers(&self, table: &Table, columns: &[String], far: &str) -> Option<Reference> {
        let (Sets::Functions(_), [column]) = (&self.sets, columns) else {
            return None;
        };
        let far = self.table_of(far)?;
        let [id] = far.id.as_slice() else {
            return None;
        };
        let key = self.shapes.reference((&table.name, column), (&far.name, id))?;
        Some(Reference::of(&table.name, key))
    }
}
