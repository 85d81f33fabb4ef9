//! Membership in sets: each set is a function of its own, or an entry of the `with` list.

use super::SCHEMA;
use super::clause::{columns_named, names};
use super::key::{self, Coding};
use super::quote::ident;
use super::reference::Reference;
use super::set::Rows;
use super::writer::{Comparison, Finding, Object, SetFunction, Sets, Sql, Writer};
use crate::error::Refusal;
use crate::predicate::Set;
use crate::shape::KeyType;

/// A comparison of an object with the members of a set.
pub(super) struct Compared {
    /// What of the object is compared.
    pub(super) left: Vec<String>,
    /// The types that the members must have for it.
    pub(super) wanted: Vec<KeyType>,
    /// What of a member `s` has these types.
    pub(super) members: Vec<String>,
    /// Which members count.
    pub(super) which: Option<String>,
    /// A test of the object beside it.
    pub(super) beside: Option<String>,
}

/// A comparison that is written, but for its form.
pub(super) struct Listing {
    compared: Compared,
    /// Where the members come from.
    from: String,
    /// The function that lists them.
    function: Option<Lister>,
}

/// A function that lists members.
struct Lister {
    name: String,
    /// A call, and the type of what it returns, where that is an array: members of one column.
    array: Option<(String, String)>,
}

impl Listing {
    /// The condition in a form.
    pub(super) fn by(&self, comparison: Comparison) -> String {
        self.beside(self.alone(comparison))
    }

    /// The condition in a form that stays the one it is also where it stands alone: of a list as the only condition the planner makes a join,
    /// which reads the rows of all members before it sorts them.
    fn of_rows(&self, comparison: Comparison) -> String {
        let listed = self.alone(comparison);
        self.beside(match comparison {
            Comparison::Array => listed,
            Comparison::HashTable => format!("({listed} or false)"),
        })
    }

    /// The condition without what stands beside it. Of several columns the first narrows by an index, and a hash table has the rest.
    fn alone(&self, comparison: Comparison) -> String {
        let Compared { left, members, .. } = &self.compared;
        let from = &self.from;
        let one_of = |left: &str, member: &str| self.one_of(comparison, left, member);
        match (left.as_slice(), members.as_slice()) {
            ([left], [member]) => one_of(left, member),
            ([first, ..], [member, ..]) => {
                let (left, members) = (left.join(", "), members.join(", "));
                let pairs = format!("({left}) in (select {members} from {from})");
                match comparison {
                    Comparison::Array => format!("({} and {pairs})", one_of(first, member)),
                    Comparison::HashTable => pairs,
                }
            }
            _ => "false".to_owned(),
        }
    }

    /// The column `left` is one of the members, of which a column is given.
    ///
    /// For a hash table the members go through an array, of which the planner thinks little: of a query it might think that its result does not fit
    /// into memory, and run it for each row.
    fn one_of(&self, comparison: Comparison, left: &str, member: &str) -> String {
        let array = self
            .function
            .as_ref()
            .and_then(|function| function.array.as_ref());
        let members = format!("select {member} from {}", self.from);
        match (comparison, array) {
            // Without the type it would be read as a query of members.
            (Comparison::Array, Some((call, ty))) => format!("{left} = any ((select {call})::{ty})"),
            (Comparison::Array, None) => format!("{left} = any (array({members}))"),
            (Comparison::HashTable, Some((call, _))) => format!("{left} in (select unnest((select {call})))"),
            (Comparison::HashTable, None) => format!("{left} in (select unnest(array({members})))"),
        }
    }

    fn beside(&self, listed: String) -> String {
        match &self.compared.beside {
            Some(test) => format!("({test} and {listed})"),
            None => listed,
        }
    }
}

impl Writer<'_> {
    /// The condition under which an object is in a set.
    pub(super) fn membership(&mut self, set: &Set, object: &Object<'_>) -> Sql {
        if self.finding == Finding::LookedUp {
            return self.lookup(set, object);
        }
        let listing = self.listing(set, object)?;
        if matches!(self.sets, Sets::Functions(_)) {
            self.chosen(&listing, set, object)
        } else {
            Ok(listing.of_rows(self.comparison))
        }
    }

    /// In a policy the form is chosen when a statement is planned. Where the statement says which row it is about, the one key is looked up. A hash
    /// table serves a page of somebody who sees much: the planner walks the rows in the wanted order and soon has enough of them. For everything
    /// else it is the array.
    fn chosen(&mut self, listing: &Listing, set: &Set, object: &Object<'_>) -> Sql {
        let mut forms = Vec::new();
        if let Some(by_key) = self.by_key.clone()
            && !matches!(set, Set::Recursive(_))
        {
            let asked = self.asked(set, object, Self::asking_function)?;
            forms.push(format!("when {by_key} then {asked}"));
        }
        if let Some(broad) = self.is_broad(listing, set)? {
            let table = listing.by(Comparison::HashTable);
            forms.push(format!("when {SCHEMA}.page() and {broad} then {table}"));
        }
        let array = listing.by(Comparison::Array);
        Ok(match forms.as_slice() {
            [] => array,
            forms => format!("case {} else {array} end", forms.join(" ")),
        })
    }

    /// The comparison of an object with the members of a set.
    pub(super) fn listing(&mut self, set: &Set, object: &Object<'_>) -> Result<Listing, Refusal> {
        let mut compared = match self.of_organization(object) {
            Some(columns) => self.within(set, columns),
            None => self.compared(set, object),
        };
        if matches!(self.sets, Sets::Functions(_)) {
            let refers = match object {
                Object::Keys { refers, .. } => refers.as_ref(),
                _ => None,
            };
            let (name, argument) = self.function(set, &compared, refers)?;
            compared.members = columns_named("s", compared.wanted.len());
            let columns = names(compared.wanted.len()).join(", ");
            let call = format!("{}({argument})", in_schema(&name));
            return Ok(Listing {
                from: format!("{call} s({columns})"),
                function: Some(Lister {
                    name,
                    array: array_of(&compared.wanted).map(|ty| (call, ty)),
                }),
                compared,
            });
        }
        let name = self.with(set)?;
        self.compared.insert(name.clone());
        Ok(Listing {
            from: compared.from(&name),
            function: None,
            compared,
        })
    }

    pub(super) fn compared(&self, set: &Set, object: &Object<'_>) -> Compared {
        let types = self.types_of(object.resource_type());
        let (left, wanted) = match object {
            Object::Row { alias, table } => {
                let keys = self.key_columns(&table.name, &table.id, alias);
                (keys.into_iter().map(|(key, _)| key).collect(), types.clone())
            }
            Object::Keys { keys, .. } => keys.iter().cloned().unzip(),
            Object::Id { id, .. } => (vec![(*id).to_owned()], vec![KeyType::Text]),
        };
        Compared {
            left,
            members: convert("s", &types, &wanted, set.resource_type()),
            wanted,
            which: None,
            beside: None,
        }
    }

    /// A call of the function that says whether a listed set is large; none for a set that no function lists, and where no index serves.
    fn is_broad(&mut self, listing: &Listing, set: &Set) -> Result<Option<String>, Refusal> {
        let Some(Lister { name, .. }) = &listing.function else {
            return Ok(None);
        };
        if self.negated || listing.compared.left.len() != 1 {
            return Ok(None);
        }
        let weight = if listing.compared.which.is_none() {
            let mut inner = self.inner();
            let weight = inner.weight(set)?;
            Some(inner.statement(&weight))
        } else {
            None
        };
        if let Sets::Functions(functions) = &mut self.sets
            && let Some(function) = functions.get_mut(name)
        {
            // Where only the members of an organization count, they are counted as they are listed.
            function.weight = weight.or_else(|| Some(function.body.clone()));
        }
        Ok(Some(format!("{}()", in_schema(&broad(name)))))
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

    /// The name of the function that lists the members of a set as they are compared, and its argument: the table that is asked about, where it makes
    /// a difference whether that refers to rows.
    fn function(
        &mut self,
        set: &Set,
        compared: &Compared,
        refers: Option<&Reference>,
    ) -> Result<(String, String), Refusal> {
        let is_whole = compared.which.is_none() && compared.wanted == self.types_of(set.resource_type());
        let body = if is_whole {
            self.whole(set, Rows::LookedUp)?
        } else {
            let mut inner = self.inner();
            let from = compared.from(&inner.with(set)?);
            inner.statement(&format!("select {} from {from}", compared.members.join(", ")))
        };
        let referred = match refers {
            Some(refers) if is_whole => {
                let referred = self.whole(set, Rows::Referred)?;
                (referred != body).then_some((refers, referred))
            }
            _ => None,
        };
        let argument = referred.as_ref().map(|(refers, _)| refers.table.clone());
        let function = SetFunction {
            body,
            columns: compared.wanted.clone(),
            finding: Finding::Listed,
            comment: crate::words::set(set),
            referred: referred.map(|(refers, body)| (refers.holds.clone(), body)),
            weight: None,
            own: None,
        };
        Ok((self.add_function(set, function), argument.unwrap_or_default()))
    }

    /// A statement of all members of a set as they are.
    fn whole(&self, set: &Set, known: Rows) -> Sql {
        let mut inner = self.inner();
        // It has a `with` list of its own, and there can be one only in front of a query.
        if matches!(set, Set::Recursive(_)) {
            let (name, columns) = (inner.with(set)?, self.types_of(set.resource_type()).len());
            let members = format!("select {} from {name} s", columns_named("s", columns).join(", "));
            return Ok(inner.statement(&members));
        }
        // A query more around it would be planned as well.
        let members = inner.members(set, known)?;
        Ok(inner.statement(&members))
    }

    /// The name of a function about a set. What is written in the same way is one function.
    pub(super) fn add_function(&mut self, set: &Set, function: SetFunction) -> String {
        let array = function.finding == Finding::Listed && function.columns.len() == 1;
        let array = if array { "[]" } else { "" };
        // What it returns cannot be changed by a function of the same name.
        let mut text = format!("{:?}{array}\n{}", function.columns, function.body);
        if let Some((holds, body)) = &function.referred {
            text.extend([holds.as_str(), body]);
        }
        let hash = blake3::hash(text.as_bytes()).to_hex();
        let mut name = super::set::short_name(set);
        name.truncate(48);
        if function.finding == Finding::LookedUp {
            name.push_str("_has");
        }
        let name = format!("{name}_{}", &hash[..8]);
        if let Sets::Functions(functions) = &mut self.sets {
            functions.entry(name.clone()).or_insert(function);
        }
        name
    }
}

impl Compared {
    /// The members that count, of a set in the `with` list.
    fn from(&self, name: &str) -> String {
        let which = self.which.as_ref();
        let which = which.map_or_else(String::new, |test| format!(" where {test}"));
        format!("{name} s{which}")
    }
}

/// The type of what a function returns that lists members of these types: an array where they have one column. Rows that a function returns are stored
/// and read again before they are an array or a hash table, which is a quarter of the time that thousands of members take.
pub(crate) fn array_of(columns: &[KeyType]) -> Option<String> {
    match columns {
        [one] => Some(format!("{}[]", one.sql())),
        _ => None,
    }
}

/// The name of the function that says whether the set of another function is large.
pub(crate) fn broad(function: &str) -> String {
    format!("{function}_broad")
}

/// A name in the schema of what is generated.
pub(super) fn in_schema(function: &str) -> String {
    format!("{SCHEMA}.{}", ident(function))
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
