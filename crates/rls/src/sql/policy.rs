//! Policies of the schema in conditions.

use std::collections::BTreeMap;

use super::clause::column;
use super::quote;
use super::writer::{Object, Sql, Writer};
use crate::error::Refusal;
use crate::lower::{self, Readable};
use crate::predicate::Reading;

impl Writer<'_> {
    /// The condition that a policy of the schema makes in a rule of `relation`.
    pub(super) fn policy(
        &mut self,
        name: &str,
        relation: &str,
        reading: Reading,
        object: &Object<'_>,
    ) -> Sql {
        let place = format!("{}#{relation}", object.resource_type());
        let Some(policy) = self.builder.rules.model.policy(name) else {
            return Err(Refusal::new(
                "unknown_policy",
                place,
                format!("there is no policy `{name}`"),
                "define it",
            ));
        };
        let mut attributes = BTreeMap::new();
        if let Object::Row { alias, table } = object {
            for (parameter, name) in &table.attributes {
                if let Some(shape) = self.shapes.column(&table.name, name) {
                    let types = lower::declared_types(&self.builder.rules.model, parameter);
                    attributes.insert(parameter.as_str(), (column(alias, name), shape, types));
                }
            }
        }
        let check = BTreeMap::from([
            (
                "resource_type",
                format!("{}::text", quote::text(object.resource_type())),
            ),
            ("resource_id", format!("({})", self.id_of(object))),
            ("relation", format!("{}::text", quote::text(relation))),
            (
                "subject_type",
                format!("{}::text", quote::text(&self.builder.rules.subject_type)),
            ),
            ("subject_id", self.who.named()),
        ]);
        let readable = Readable {
            attributes,
            context: self.who.context(),
            claims: self.who.claims(),
            now: self.who.now(),
            check,
        };
        let sql = lower::lower(policy, &readable).map_err(|unsupported| {
            let reason = format!(
                "policy `{name}` has `{}`: {}",
                unsupported.part, unsupported.reason
            );
            Refusal::new(
                "policy_not_compiled",
                place,
                reason,
                "say it in a form that SQL shares, or keep it out of guarded relations",
            )
        })?;
        Ok(match reading {
            Reading::Must => format!("({sql}) is true"),
            Reading::May => format!("({sql}) is not false"),
        })
    }
}
