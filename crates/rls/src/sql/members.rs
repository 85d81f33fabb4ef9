//! Membership in sets: each set is a function of its own, or an entry of the `with` list.

use super::clause::{columns_named, names};
use super::key::{self, Coding};
use super::quote::ident;
use super::writer::{Comparison, Finding, Object, SetFunction, Sets, Sql, Writer};
use crate::error::Refusal;
use crate::predicate::Set;
use crate::shape::KeyType;

impl Writer<'_> {
    /// The condition under which an object is in a set.
    pub(super) fn membership(&mut self, set: &Set, object: &Object<'_>) -> Sql {
        match self.finding {
            Finding::Listed => self.among(set, object),
            Finding::LookedUp => self.lookup(set, object),
        }
    }

    /// What of an object is compared with the members of a set, and the types that the members must have for it.
    fn among(&mut self, set: &Set, object: &Object<'_>) -> Sql {
        let types = self.types_of(object.resource_type());
        if let Some(columns) = self.of_organization(object) {
            return self.within(set, &types, columns);
        }
        let (left, wanted) = match object {
            Object::Row { alias, table } => {
                let keys = self.key_columns(&table.name, &table.id, alias);
                (keys.into_iter().map(|(key, _)| key).collect(), types.clone())
            }
            Object::Keys { keys, .. } => {
                let wanted = keys.iter().map(|(_, ty)| *ty).collect();
                (
                    keys.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>(),
                    wanted,
                )
            }
            Object::Id { id, .. } => (vec![(*id).to_owned()], vec![KeyType::Text]),
        };
        let (source, members) = self.members(set, &types, &wanted)?;
        let one_of = |left: &str, member: &str| {
            self.comparison
                .one_of(left, &format!("select {member} from {source}"))
        };
        Ok(match (left.as_slice(), members.as_slice()) {
            ([left], [member]) => one_of(left, member),
            ([first, ..], [member, ..]) => {
                let (left, members) = (left.join(", "), members.join(", "));
                let pairs = format!("({left}) in (select {members} from {source})");
                match self.comparison {
                    Comparison::Array => format!("({} and {pairs})", one_of(first, member)),
                    Comparison::HashTable => pairs,
                }
            }
            _ => "false".to_owned(),
        })
    }

    /// Where the members of a set come from, and the expressions that give them the wanted types.
    fn members(
        &mut self,
        set: &Set,
        types: &[KeyType],
        wanted: &[KeyType],
    ) -> Result<(String, Vec<String>), Refusal> {
        if let Sets::Functions(_) = self.sets {
            let name = self.function(set, wanted, |set_type| {
                (convert("s", types, wanted, set_type), None)
            })?;
            let members = columns_named("s", wanted.len());
            return Ok((format!("{name}() s({})", names(wanted.len()).join(", ")), members));
        }
        let name = self.compared_with(set)?;
        let resource_type = set.resource_type();
        Ok((format!("{name} s"), convert("s", types, wanted, resource_type)))
    }

    /// The name, in the `with` list, of a set that a column is compared with.
    pub(super) fn compared_with(&mut self, set: &Set) -> Sql {
        let name = self.with(set)?;
        self.compared.insert(name.clone());
        Ok(name)
    }

    /// The name of a set in the `with` list.
    pub(crate) fn with(&mut self, set: &Set) -> Sql {
        if let Some(name) = self.names.get(set) {
            return Ok(name.clone());
        }
        let body = self.set(set)?;
        let Sets::With(list) = &mut self.sets else {
            return Ok(body);
        };
        let name = format!("s{}", list.len() + 1);
        let count = self
            .builder
            .rules
            .resolved
            .table_of_type(set.resource_type())
            .map_or(1, |table| table.id.len());
        list.push((format!("{name} ({})", names(count).join(", ")), body));
        self.names.insert(set.clone(), name.clone());
        Ok(name)
    }

    /// The function that lists a set with members of the wanted types: what of a member `s` it returns, and of which.
    pub(super) fn function(
        &mut self,
        set: &Set,
        wanted: &[KeyType],
        members: impl FnOnce(&str) -> (Vec<String>, Option<String>),
    ) -> Sql {
        let mut inner = self.inner();
        let name = inner.with(set)?;
        let (members, test) = members(set.resource_type());
        let test = test.map_or_else(String::new, |test| format!(" where {test}"));
        let body = inner.statement(&format!("select {} from {name} s{test}", members.join(", ")));
        Ok(self.add_function(
            set,
            SetFunction {
                body,
                columns: wanted.to_vec(),
                finding: Finding::Listed,
                comment: crate::words::set(set),
            },
        ))
    }

    /// The qualified name of a function about a set. What is written in the same way is one function.
    pub(super) fn add_function(&mut self, set: &Set, function: SetFunction) -> String {
        let text = format!("{:?}\n{}", function.columns, function.body);
        let hash = blake3::hash(text.as_bytes()).to_hex();
        let mut name = super::set::short_name(set);
        name.truncate(48);
        if function.finding == Finding::LookedUp {
            name.push_str("_has");
        }
        let name = format!("{name}_{}", &hash[..8]);
        let qualified = format!("{}.{}", super::SCHEMA, ident(&name));
        if let Sets::Functions(functions) = &mut self.sets {
            functions.entry(name).or_insert(function);
        }
        qualified
    }
}

/// Members of a set as the wanted types: keys, ids, or ids as other keys.
fn convert(alias: &str, types: &[KeyType], wanted: &[KeyType], resource_type: &str) -> Vec<String> {
    let members = columns_named(alias, types.len());
    if types == wanted {
        return members;
    }
    let typed: Vec<(String, KeyType)> = members.into_iter().zip(types.iter().copied()).collect();
    let id = key::id(&typed, &Coding::of(resource_type, types.len()));
    if wanted == [KeyType::Text] {
        return vec![id];
    }
    let id = if types == [KeyType::Text] {
        columns_named(alias, 1).concat()
    } else {
        format!("({id})")
    };
    key::keys(&id, wanted, &Coding::of(resource_type, wanted.len()))
}
