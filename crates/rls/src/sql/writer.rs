//! Predicates as SQL conditions.
//!
//! In a condition null counts as false, as it does in a policy. A negation is written `is not true`, so it is never null itself.
//! Sets stand in `= any (array(select …))`: the planner evaluates that once and can use it as an index condition.

use std::collections::{BTreeMap, HashMap};

use rowgate_binding::{Condition, Table, Test};

use super::key::{self, Coding};
use super::probe;
use super::quote::{self, ident};
use super::who::{Form, Who};
use crate::error::Refusal;
use crate::lower::{self, Readable};
use crate::predicate::{Builder, Predicate, Reading, Set};
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
    },
    /// A resource by its id.
    Id { resource_type: &'o str, id: &'o str },
}

impl Object<'_> {
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

/// A function that lists a set for the subject of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SetFunction {
    pub(crate) body: String,
    /// The types of its columns.
    pub(crate) columns: Vec<KeyType>,
    /// What it lists, in words.
    pub(crate) comment: String,
}

/// Writes the SQL of one relation.
#[derive(Debug)]
pub(crate) struct Writer<'w> {
    pub(crate) builder: &'w Builder<'w>,
    pub(crate) shapes: &'w Shapes,
    pub(crate) environment: i32,
    pub(crate) who: &'w Who,
    pub(crate) sets: Sets,
    names: HashMap<Set, String>,
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
            names: HashMap::new(),
        }
    }

    /// The condition under which a row counts and the predicate holds.
    pub(crate) fn row(&mut self, predicate: &Predicate, alias: &str, table: &Table) -> Sql {
        let mut parts = conditions(alias, &table.conditions);
        if predicate.holds_without_subject() {
            parts.push(format!("{} is not null", self.who.named()));
        }
        parts.extend(self.fits(table, alias));
        let object = Object::Row { alias, table };
        parts.push(self.condition(predicate, &object)?);
        Ok(join(&parts, "and"))
    }

    /// The condition under which a predicate holds.
    pub(crate) fn condition(&mut self, predicate: &Predicate, object: &Object<'_>) -> Sql {
        Ok(match predicate {
            Predicate::Any(parts) if parts.is_empty() => "false".to_owned(),
            Predicate::All(parts) if parts.is_empty() => "true".to_owned(),
            Predicate::Any(parts) => join(&self.all(parts, object)?, "or"),
            Predicate::All(parts) if probe::is_worth_it(object) => join(&self.probed(parts, object)?, "and"),
            Predicate::All(parts) => join(&self.all(parts, object)?, "and"),
            Predicate::Not(part) => format!("({}) is not true", self.condition(part, object)?),
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

    fn all(&mut self, parts: &[Predicate], object: &Object<'_>) -> Result<Vec<String>, Refusal> {
        parts
            .iter()
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
    pub(crate) fn columns_are_me(
        &self,
        table: &rowgate_binding::Qualified,
        columns: &[String],
        alias: &str,
    ) -> Vec<String> {
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
        let resource_type = far;
        let sql = self.condition(holds, &Object::Keys { resource_type, keys })?;
        let many = matches!(holds, Predicate::Any(inner) if inner.len() > 1) && !parts.is_empty();
        parts.push(if many { format!("({sql})") } else { sql });
        Ok(join(&parts, "and"))
    }

    /// Columns of a table with their key types. Columns that cannot hold keys were refused before.
    pub(crate) fn key_columns(
        &self,
        table: &rowgate_binding::Qualified,
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

    /// What of an object is compared with the members of a set, and the types that the members must have for it.
    fn membership(&mut self, set: &Set, object: &Object<'_>) -> Sql {
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
        Ok(match (left.as_slice(), members.as_slice()) {
            ([left], [member]) => format!("{left} = any (array(select {member} from {source}))"),
            ([first, ..], [member, ..]) => format!(
                "({first} = any (array(select {member} from {source})) and ({}) in (select {} from {source}))",
                left.join(", "),
                members.join(", ")
            ),
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
            return Ok((
                format!(
                    "{}.{}() s({})",
                    super::SCHEMA,
                    ident(&name),
                    names(wanted.len()).join(", ")
                ),
                members,
            ));
        }
        let name = self.with(set)?;
        let resource_type = set.resource_type();
        Ok((format!("{name} s"), convert("s", types, wanted, resource_type)))
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
        let mut inner = Writer::new(
            self.builder,
            self.shapes,
            self.environment,
            self.who,
            Sets::With(Vec::new()),
        );
        let name = inner.with(set)?;
        let (members, test) = members(set.resource_type());
        let test = test.map_or_else(String::new, |test| format!(" where {test}"));
        let body = inner.statement(&format!("select {} from {name} s{test}", members.join(", ")));
        let hash = blake3::hash(format!("{wanted:?}\n{body}").as_bytes()).to_hex();
        let mut name = super::set::short_name(set);
        name.truncate(48);
        let name = format!("{name}_{}", &hash[..8]);
        if let Sets::Functions(functions) = &mut self.sets {
            functions.entry(name.clone()).or_insert_with(|| SetFunction {
                body,
                columns: wanted.to_vec(),
                comment: crate::words::set(set),
            });
        }
        Ok(name)
    }

    /// A statement with the `with` list in front of it.
    pub(crate) fn statement(&self, select: &str) -> String {
        match &self.sets {
            Sets::With(list) if !list.is_empty() => {
                let parts: Vec<String> = list
                    .iter()
                    .map(|(name, body)| format!("{name} as (\n{}\n)", indent(body)))
                    .collect();
                format!("with recursive {}\n{select}", parts.join(", "))
            }
            _ => select.to_owned(),
        }
    }

    fn policy(&mut self, name: &str, relation: &str, reading: Reading, object: &Object<'_>) -> Sql {
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
        let id = match object {
            Object::Row { alias, table } => {
                for (parameter, name) in &table.attributes {
                    if let Some(shape) = self.shapes.column(&table.name, name) {
                        attributes.insert(parameter.as_str(), (column(alias, name), shape));
                    }
                }
                let keys = self.key_columns(&table.name, &table.id, alias);
                key::id(&keys, &Coding::of(&table.resource_type, keys.len()))
            }
            Object::Keys { resource_type, keys } => {
                key::id(keys, &Coding::of_columns(resource_type, keys.len()))
            }
            Object::Id { id, .. } => (*id).to_owned(),
        };
        let check = BTreeMap::from([
            (
                "resource_type",
                format!("{}::text", quote::text(object.resource_type())),
            ),
            ("resource_id", format!("({id})")),
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

/// A column of a row.
pub(crate) fn column(alias: &str, name: &str) -> String {
    if alias.is_empty() {
        ident(name)
    } else {
        format!("{alias}.{}", ident(name))
    }
}

/// Tests that columns hold an edge: a null in one of them is none, and `*` is nobody.
pub(crate) fn is_edge(keys: &[(String, KeyType)]) -> Vec<String> {
    let single = keys.len() == 1;
    keys.iter()
        .flat_map(|(key, ty)| {
            [
                Some(format!("{key} is not null")),
                key::is_id(key, *ty).filter(|_| single),
            ]
        })
        .flatten()
        .collect()
}

/// The tests of a `where`.
pub(crate) fn conditions(alias: &str, conditions: &[Condition]) -> Vec<String> {
    let test = |condition: &Condition| {
        let column = column(alias, &condition.column);
        let list = |literals: &[rowgate_binding::Literal]| {
            literals.iter().map(literal).collect::<Vec<_>>().join(", ")
        };
        match &condition.test {
            Test::Null => format!("{column} is null"),
            Test::NotNull => format!("{column} is not null"),
            Test::In(literals) => match literals.as_slice() {
                [one] => format!("{column} = {}", literal(one)),
                many => format!("{column} in ({})", list(many)),
            },
            Test::NotIn(literals) => match literals.as_slice() {
                [one] => format!("{column} <> {}", literal(one)),
                many => format!("{column} not in ({})", list(many)),
            },
        }
    };
    conditions.iter().map(test).collect()
}

fn literal(literal: &rowgate_binding::Literal) -> String {
    match literal {
        rowgate_binding::Literal::Text(text) => quote::text(text),
        rowgate_binding::Literal::Integer(number) => format!("({number})"),
        rowgate_binding::Literal::Boolean(truth) => truth.to_string(),
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

pub(crate) fn names(count: usize) -> Vec<String> {
    (1..=count).map(|n| format!("k{n}")).collect()
}

fn columns_named(alias: &str, count: usize) -> Vec<String> {
    names(count)
        .into_iter()
        .map(|name| format!("{alias}.{name}"))
        .collect()
}

/// Conditions joined by an operator; parts that hold another operator bring their own parentheses.
pub(crate) fn join(parts: &[String], operator: &str) -> String {
    match parts {
        [one] => one.clone(),
        many => {
            let other = if operator == "and" { " or " } else { " and " };
            let grouped = |part: &String| {
                if top_level(part, other) {
                    format!("({part})")
                } else {
                    part.clone()
                }
            };
            many.iter()
                .map(grouped)
                .collect::<Vec<_>>()
                .join(&format!("\n    {operator} "))
        }
    }
}

/// Whether an operator stands outside parentheses and quotes.
fn top_level(sql: &str, operator: &str) -> bool {
    let flat = sql.replace('\n', " ");
    let mut depth = 0_i32;
    let mut quoted: Option<char> = None;
    for (at, c) in flat.char_indices() {
        match (quoted, c) {
            (Some(quote), c) if c == quote => quoted = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quoted = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, ' ')
                if depth == 0
                    && flat[at..].trim_start().starts_with(operator.trim_start())
                    && flat[at..].starts_with(' ') =>
            {
                return true;
            }
            _ => {}
        }
    }
    false
}

pub(crate) fn indent(sql: &str) -> String {
    let lines: Vec<String> = sql.lines().map(|line| format!("    {line}")).collect();
    lines.join("\n")
}
