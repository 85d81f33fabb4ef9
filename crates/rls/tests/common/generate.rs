//! Random schemas, bindings, rows and warrants, from a seed.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rowgate_testkit::sample::Numbers;
use serde_json::{Value, json};

/// How the key of a bound type is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Text,
    Integer,
    Uuid,
    Composite,
}

#[derive(Debug, Clone)]
pub struct Type {
    pub name: String,
    pub key: Option<Key>,
    pub relations: Vec<Relation>,
    /// Attributes: parameters that have a column of the same name.
    pub attributes: Vec<&'static str>,
    /// Whether rows with `gone` do not count.
    pub conditional: bool,
}

#[derive(Debug, Clone)]
pub struct Relation {
    pub name: String,
    /// Type and, for a group, relation.
    pub allowed: Vec<(String, Option<String>)>,
    pub rule: Option<Rule>,
    pub sources: Vec<Source>,
}

#[derive(Debug, Clone)]
pub struct Source {
    /// The columns' prefix, or the table that joins.
    pub name: String,
    pub joins: bool,
    pub far: String,
    pub group: Option<String>,
}

#[derive(Debug, Clone)]
pub enum Rule {
    Relation(String),
    On(String, String, String),
    Policy(String),
    Group(&'static str, Vec<Rule>),
}

#[derive(Debug, Clone)]
pub struct Policy {
    pub name: String,
    pub text: String,
    pub params: Vec<&'static str>,
}

#[derive(Debug, Clone)]
pub struct Row {
    pub resource_type: String,
    pub id: String,
    pub gone: bool,
    pub attributes: BTreeMap<&'static str, Value>,
    /// Source name and the ids that it leads to.
    pub edges: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    pub resource_type: String,
    pub resource_id: String,
    pub relation: String,
    pub subject_type: String,
    pub subject_id: String,
    pub subject_relation: String,
}

#[derive(Debug, Clone)]
pub struct Sample {
    pub types: Vec<Type>,
    pub policies: Vec<Policy>,
    pub rows: Vec<Row>,
    pub warrants: Vec<Edge>,
}

pub const PARAMS: [(&str, &str, &str); 5] = [
    ("n", "integer", "bigint"),
    ("s", "string", "text"),
    ("b", "boolean", "boolean"),
    ("f", "float", "double precision"),
    ("l", "array", "text[]"),
];

const ATOMS: [(&str, &[&str]); 26] = [
    ("b", &["b"]),
    ("not b", &["b"]),
    ("s == \"x\"", &["s"]),
    ("s != \"x\"", &["s"]),
    ("s < \"x\"", &["s"]),
    ("s in [\"x\", \"Y\"]", &["s"]),
    ("s startsWith \"x\"", &["s"]),
    ("s contains \"'\"", &["s"]),
    ("n > 3", &["n"]),
    ("n <= 2.5", &["n"]),
    ("n == 2.5", &["n"]),
    ("n + 1 > 3", &["n"]),
    ("n * n >= 25", &["n"]),
    ("n % 2 == 0", &["n"]),
    ("10 / n > 2.5", &["n"]),
    ("(n ?? 7) > 3", &["n"]),
    ("n in 2..6", &["n"]),
    ("f < 1.5", &["f"]),
    ("f >= 2", &["f"]),
    ("\"x\" in l", &["l"]),
    ("s in l", &["s", "l"]),
    ("\"n\" in $env", &["n"]),
    ("(b ? n : 1) > 2", &["b", "n"]),
    ("jwt_claim(\"role\") == \"boss\"", &[]),
    ("(jwt_claim(\"level\") ?? 1) == 1", &[]),
    ("check_ctx.subject_id != \"ann\"", &[]),
];

pub const SUBJECTS: [&str; 4] = ["ann", "bob", "o'neil\"; drop table t; --", "7"];

struct Maker {
    n: Numbers,
}

pub fn sample(seed: u64) -> Sample {
    let mut maker = Maker {
        n: Numbers::new(seed),
    };
    let policies = maker.policies();
    let types = maker.types(&policies);
    let (rows, warrants) = maker.facts(&types);
    Sample {
        types,
        policies,
        rows,
        warrants,
    }
}

/// Other rows and warrants that the types could have.
pub fn facts(types: &[Type], seed: u64) -> (Vec<Row>, Vec<Edge>) {
    let n = Numbers::new(seed);
    Maker { n }.facts(types)
}

impl Maker {
    fn pick<'t, T>(&mut self, from: &'t [T]) -> Option<&'t T> {
        let length = u32::try_from(from.len()).unwrap();
        if length == 0 {
            None
        } else {
            from.get(self.n.below(length) as usize)
        }
    }

    fn policies(&mut self) -> Vec<Policy> {
        (0..self.n.below(3) + 1)
            .map(|index| {
                let mut params: Vec<&'static str> = Vec::new();
                let mut text = String::new();
                for _ in 0..=self.n.below(2) {
                    let (atom, reads) = ATOMS[self.n.below(26) as usize];
                    params.extend(reads.iter().copied());
                    let negate = self.n.chance(25);
                    let atom = if negate {
                        format!("not ({atom})")
                    } else {
                        atom.to_owned()
                    };
                    text = match (text.is_empty(), self.n.chance(50)) {
                        (true, _) => atom,
                        (false, true) => format!("({text}) or ({atom})"),
                        (false, false) => format!("({text}) and ({atom})"),
                    };
                }
                params.sort_unstable();
                params.dedup();
                Policy {
                    name: format!("p{index}"),
                    text,
                    params,
                }
            })
            .collect()
    }

    fn types(&mut self, policies: &[Policy]) -> Vec<Type> {
        let count = 3 + self.n.below(3);
        let names: Vec<String> = (0..count).map(|n| format!("t{n}")).collect();
        let mut types: Vec<Type> = names
            .iter()
            .enumerate()
            .map(|(index, name)| {
                // The last ones are bound, the first one never.
                let bound = index > 0 && self.n.chance(70) || index + 1 == names.len();
                let keys = [Key::Text, Key::Integer, Key::Uuid, Key::Composite];
                let key = bound.then(|| keys[self.n.below(4) as usize]);
                let relations = (0..2 + self.n.below(3))
                    .map(|r| self.relation(r, &names))
                    .collect();
                let attributes = PARAMS
                    .iter()
                    .map(|(name, _, _)| *name)
                    .filter(|_| self.n.chance(60))
                    .collect();
                Type {
                    name: name.clone(),
                    key,
                    relations,
                    attributes: if bound { attributes } else { Vec::new() },
                    conditional: self.n.chance(50),
                }
            })
            .collect();
        let shapes = types.clone();
        for ty in &mut types {
            let bound = ty.key.is_some();
            let own = shapes
                .iter()
                .find(|other| other.name == ty.name)
                .unwrap()
                .relations
                .clone();
            for (index, relation) in ty.relations.iter_mut().enumerate() {
                relation.allowed.retain(|(far, group)| {
                    let known = |group: &String| {
                        shapes
                            .iter()
                            .any(|t| t.name == *far && t.relations.iter().any(|r| r.name == *group))
                    };
                    group.as_ref().is_none_or(known)
                });
                if self.n.chance(65) {
                    relation.rule = Some(self.rule(2, &own, &shapes, policies));
                }
                if bound && !relation.allowed.is_empty() && self.n.chance(60) {
                    for (at, (far, group)) in relation.allowed.iter().enumerate() {
                        let name = format!("e{index}_{at}");
                        let joins = self.n.chance(35);
                        relation.sources.push(Source {
                            name: if joins {
                                format!("j_{}_{name}", ty.name)
                            } else {
                                name
                            },
                            joins,
                            far: far.clone(),
                            group: group.clone(),
                        });
                    }
                }
            }
        }
        types
    }

    fn relation(&mut self, r: u32, names: &[String]) -> Relation {
        let mut allowed: Vec<(String, Option<String>)> = Vec::new();
        for _ in 0..self.n.below(4) {
            let entry = match self.n.below(10) {
                0..4 => ("user".to_owned(), None),
                4..8 => (self.pick(names).unwrap().clone(), None),
                _ => (
                    self.pick(names).unwrap().clone(),
                    Some(format!("r{}", self.n.below(3))),
                ),
            };
            if !allowed.contains(&entry) {
                allowed.push(entry);
            }
        }
        Relation {
            name: format!("r{r}"),
            allowed,
            rule: None,
            sources: Vec::new(),
        }
    }

    fn rule(&mut self, depth: u32, own: &[Relation], types: &[Type], policies: &[Policy]) -> Rule {
        match self.n.below(if depth == 0 { 8 } else { 13 }) {
            0..3 => Rule::Relation(self.pick(own).unwrap().name.clone()),
            3..6 => {
                let edges: Vec<(String, String)> = own
                    .iter()
                    .flat_map(|relation| {
                        relation
                            .allowed
                            .iter()
                            .map(move |entry| (relation.name.clone(), entry))
                    })
                    .filter(|(_, (far, group))| group.is_none() && far != "user")
                    .map(|(relation, (far, _))| (relation, far.clone()))
                    .collect();
                match self.pick(&edges).cloned() {
                    Some((edge, far)) => {
                        let far_type = types.iter().find(|ty| ty.name == far).unwrap();
                        let relation = self.pick(&far_type.relations).unwrap().name.clone();
                        Rule::On(relation, edge, far)
                    }
                    None => Rule::Relation(self.pick(own).unwrap().name.clone()),
                }
            }
            6 | 7 => Rule::Policy(self.pick(policies).unwrap().name.clone()),
            other => {
                let op = ["any_of", "any_of", "all_of", "all_of", "none_of"][(other - 8) as usize];
                let rules = (0..=self.n.below(3))
                    .map(|_| self.rule(depth - 1, own, types, policies))
                    .collect();
                Rule::Group(op, rules)
            }
        }
    }

    fn facts(&mut self, types: &[Type]) -> (Vec<Row>, Vec<Edge>) {
        let mut rows = Vec::new();
        for ty in types {
            let Some(key) = ty.key else { continue };
            for number in 0..6 {
                if self.n.chance(25) {
                    continue;
                }
                let attributes = PARAMS
                    .iter()
                    .map(|(name, _, _)| (*name, self.attribute(name)))
                    .collect();
                let mut edges = Vec::new();
                for source in ty.relations.iter().flat_map(|relation| &relation.sources) {
                    let most = if source.joins { 3 } else { 1 };
                    for _ in 0..most {
                        if self.n.chance(70) {
                            let far = self.id_of(types, &source.far);
                            edges.push((source.name.clone(), far));
                        }
                    }
                }
                edges.sort();
                edges.dedup();
                rows.push(Row {
                    resource_type: ty.name.clone(),
                    id: id(Some(key), number),
                    gone: self.n.chance(20),
                    attributes,
                    edges,
                });
            }
        }
        let mut warrants = Vec::new();
        for _ in 0..40 {
            let Some(ty) = self.pick(types).cloned() else {
                continue;
            };
            let Some(relation) = self.pick(&ty.relations).cloned() else {
                continue;
            };
            let Some((far, group)) = self.pick(&relation.allowed).cloned() else {
                continue;
            };
            let listed = relation
                .allowed
                .iter()
                .any(|(other, group)| *other == far && group.is_some());
            let mut subject_relation = group.unwrap_or_default();
            if subject_relation.is_empty() && !listed && far != "user" && self.n.chance(40) {
                let relations = &types.iter().find(|other| other.name == far).unwrap().relations;
                subject_relation = self.pick(relations).unwrap().name.clone();
            }
            let wildcard = subject_relation.is_empty() && self.n.chance(8);
            warrants.push(Edge {
                resource_id: self.id_of(types, &ty.name),
                resource_type: ty.name.clone(),
                relation: relation.name.clone(),
                subject_id: if wildcard {
                    "*".to_owned()
                } else {
                    self.id_of(types, &far)
                },
                subject_type: far,
                subject_relation,
            });
        }
        warrants.sort();
        warrants.dedup();
        (rows, warrants)
    }

    fn id_of(&mut self, types: &[Type], name: &str) -> String {
        if name == "user" {
            return SUBJECTS[self.n.below(4) as usize].to_owned();
        }
        let key = types.iter().find(|ty| ty.name == name).and_then(|ty| ty.key);
        id(key, self.n.below(7))
    }

    fn attribute(&mut self, name: &str) -> Value {
        let choice = self.n.below(4) as usize;
        match name {
            "n" => [Value::Null, json!(2), json!(5), json!(i64::MAX)][choice].clone(),
            "s" => [Value::Null, json!("x"), json!("it's"), json!("Y")][choice].clone(),
            "b" => [Value::Null, json!(true), json!(false), json!(true)][choice].clone(),
            "f" => [Value::Null, json!(1.25), json!(3.0), json!(-0.5)][choice].clone(),
            _ => [Value::Null, json!(["x", "it's"]), json!([]), json!(["Y"])][choice].clone(),
        }
    }
}

/// The n-th id of a type.
pub fn id(key: Option<Key>, number: u32) -> String {
    const TEXTS: [&str; 7] = ["a", "it's", "a/b~c", "x\"y\nz", "; drop table t --", "ä", "gone"];
    match key {
        None => format!("u{number}"),
        Some(Key::Text) => TEXTS[number as usize].to_owned(),
        Some(Key::Integer) => [0, 1, 2, -3, i64::MAX, i64::MIN, 77][number as usize].to_string(),
        Some(Key::Uuid) => format!("00000000-0000-4000-8000-00000000000{number}"),
        Some(Key::Composite) => {
            let first = TEXTS[(number % 3) as usize].replace('~', "~0").replace('/', "~1");
            format!("{first}/{}", number / 3)
        }
    }
}

impl Sample {
    pub fn ty(&self, name: &str) -> Option<&Type> {
        self.types.iter().find(|ty| ty.name == name)
    }

    pub fn schema(&self) -> String {
        let mut out = "version 0.3\ntype user\n".to_owned();
        for ty in &self.types {
            let _ = writeln!(out, "type {}", ty.name);
            for relation in &ty.relations {
                let entry = |(far, group): &(String, Option<String>)| match group {
                    Some(group) => format!("{far}#{group}"),
                    None => far.clone(),
                };
                let allowed: Vec<String> = relation.allowed.iter().map(entry).collect();
                let _ = writeln!(out, "    relation {} [{}]", relation.name, allowed.join(", "));
            }
            for relation in &ty.relations {
                if let Some(rule) = &relation.rule {
                    let _ = writeln!(out, "    inherit {} if", relation.name);
                    write_rule(rule, 2, &mut out);
                }
            }
        }
        for policy in &self.policies {
            let ty = |name: &&str| PARAMS.iter().find(|(other, _, _)| other == name).unwrap().1;
            let params: Vec<String> = policy
                .params
                .iter()
                .map(|name| format!("{name} {}", ty(name)))
                .collect();
            let _ = writeln!(
                out,
                "policy {}({}) {{\n    {}\n}}",
                policy.name,
                params.join(", "),
                policy.text
            );
        }
        out
    }

    /// The bindings. The guarded relations of a type are its first three.
    pub fn bindings(&self) -> String {
        let mut out = "roles = [\"ROLE\"]\n[subject]\ntype = \"user\"\n".to_owned();
        let used: Vec<&str> = self
            .policies
            .iter()
            .flat_map(|policy| policy.params.iter().copied())
            .collect();
        for ty in self.types.iter().filter(|ty| ty.key.is_some()) {
            let id = key_columns("id", ty.key);
            let _ = writeln!(
                out,
                "[[table]]\nname = \"public.{0}\"\ntype = \"{0}\"\nid = {1}",
                ty.name,
                list(&id)
            );
            if ty.conditional {
                let _ = writeln!(out, "where = \"gone is null\"");
            }
            for relation in ty
                .relations
                .iter()
                .filter(|relation| !relation.sources.is_empty())
            {
                let sources: Vec<String> = relation
                    .sources
                    .iter()
                    .map(|source| self.source(ty, source))
                    .collect();
                let _ = writeln!(out, "relations.{} = [{}]", relation.name, sources.join(", "));
            }
            for attribute in ty.attributes.iter().filter(|name| used.contains(name)) {
                let _ = writeln!(out, "attributes.{attribute} = \"{attribute}\"");
            }
            for (command, relation) in ty.guards() {
                let _ = writeln!(out, "policies.{command} = \"{relation}\"");
            }
        }
        out
    }

    fn source(&self, ty: &Type, source: &Source) -> String {
        let far = self.ty(&source.far).and_then(|far| far.key);
        let mut out = if source.joins {
            let key = list(&key_columns("key", ty.key));
            format!(
                "{{ table = \"public.{}\", key = {key}, column = {}",
                source.name,
                list(&key_columns("far", far))
            )
        } else {
            format!("{{ column = {}", list(&key_columns(&source.name, far)))
        };
        let _ = write!(out, ", type = \"{}\"", source.far);
        if let Some(group) = &source.group {
            let _ = write!(out, ", relation = \"{group}\"");
        }
        out + " }"
    }

    /// The tables and their rows.
    pub fn tables(&self) -> String {
        let mut out = String::new();
        for ty in self.types.iter().filter(|ty| ty.key.is_some()) {
            let mut columns = typed("id", ty.key, " not null");
            columns.push("gone boolean".to_owned());
            columns.extend(PARAMS.iter().map(|(name, _, sql)| format!("{name} {sql}")));
            for source in ty.relations.iter().flat_map(|relation| &relation.sources) {
                let far = self.ty(&source.far).and_then(|far| far.key);
                if source.joins {
                    let mut joined = typed("key", ty.key, "");
                    joined.extend(typed("far", far, ""));
                    let _ = writeln!(out, "create table {} ({});", source.name, joined.join(", "));
                } else {
                    columns.extend(typed(&source.name, far, ""));
                }
            }
            let _ = writeln!(
                out,
                "create table {} ({}, primary key ({}));",
                ty.name,
                columns.join(", "),
                key_columns("id", ty.key).join(", ")
            );
        }
        for row in &self.rows {
            self.insert(row, &mut out);
        }
        out
    }

    fn insert(&self, row: &Row, out: &mut String) {
        for statement in self.put(row) {
            let _ = writeln!(out, "{statement};");
        }
    }

    /// The statements that store a row with its edges, in place of the one that may be there.
    pub fn put(&self, row: &Row) -> Vec<String> {
        let ty = self.ty(&row.resource_type).unwrap();
        let key = key_columns("id", ty.key);
        let mut names = key.clone();
        let mut values = key_values(&row.id, ty.key);
        names.push("gone".to_owned());
        values.push(if row.gone { "true" } else { "null" }.to_owned());
        for (name, value) in &row.attributes {
            names.push((*name).to_owned());
            values.push(attribute_sql(value));
        }
        let mut out = Vec::new();
        for (name, far_id) in &row.edges {
            let source = ty
                .relations
                .iter()
                .flat_map(|relation| &relation.sources)
                .find(|source| source.name == *name)
                .unwrap();
            let far = self.ty(&source.far).and_then(|far| far.key);
            let far_values = key_values(far_id, far);
            if source.joins {
                let mut joined = key_values(&row.id, ty.key);
                joined.extend(far_values);
                out.push(format!("insert into {name} values ({})", joined.join(", ")));
            } else {
                names.extend(key_columns(name, far));
                values.extend(far_values);
            }
        }
        let (key, names, values) = (key.join(", "), names.join(", "), values.join(", "));
        out.push(format!(
            "insert into {} ({names}) values ({values}) on conflict ({key}) do update set ({names}) = row ({values})",
            ty.name
        ));
        out
    }

    /// The statement that deletes a row.
    pub fn delete(&self, row: &Row) -> String {
        let ty = self.ty(&row.resource_type).unwrap();
        format!("delete from {} where {}", ty.name, is_key("id", ty.key, &row.id))
    }

    /// The statements that delete the edges of a row in tables that join.
    pub fn forget_joined(&self, row: &Row) -> Vec<String> {
        let ty = self.ty(&row.resource_type).unwrap();
        let sources = ty.relations.iter().flat_map(|relation| &relation.sources);
        sources
            .filter(|source| source.joins)
            .map(|source| {
                format!(
                    "delete from {} where {}",
                    source.name,
                    is_key("key", ty.key, &row.id)
                )
            })
            .collect()
    }

    /// What the rows say, as edges.
    pub fn bound_edges(&self) -> Vec<Edge> {
        let mut out = Vec::new();
        for row in &self.rows {
            let ty = self.ty(&row.resource_type).unwrap();
            for relation in &ty.relations {
                for source in &relation.sources {
                    for (_, far) in row.edges.iter().filter(|(name, _)| *name == source.name) {
                        out.push(Edge {
                            resource_type: ty.name.clone(),
                            resource_id: row.id.clone(),
                            relation: relation.name.clone(),
                            subject_type: source.far.clone(),
                            subject_id: far.clone(),
                            subject_relation: source.group.clone().unwrap_or_default(),
                        });
                    }
                }
            }
        }
        out
    }

    /// Warrants and rows, one a line.
    pub fn facts(&self) -> String {
        let mut out = String::new();
        for e in &self.warrants {
            let _ = writeln!(
                out,
                "{}:{}#{}@{}:{}#{}",
                e.resource_type, e.resource_id, e.relation, e.subject_type, e.subject_id, e.subject_relation
            );
        }
        for row in &self.rows {
            let _ = writeln!(
                out,
                "{}:{} gone={} {:?} {:?}",
                row.resource_type, row.id, row.gone, row.edges, row.attributes
            );
        }
        out
    }

    /// Whether a resource holds anything: of a bound type, whether its row is there and counts.
    pub fn exists(&self, resource_type: &str, id: &str) -> bool {
        let Some(ty) = self.ty(resource_type).filter(|ty| ty.key.is_some()) else {
            return true;
        };
        let here = |row: &&Row| row.resource_type == resource_type && row.id == id;
        self.rows
            .iter()
            .find(here)
            .is_some_and(|row| !(ty.conditional && row.gone))
    }
}

impl Type {
    /// Commands and the relations that guard them.
    pub fn guards(&self) -> Vec<(&'static str, String)> {
        let commands = ["select", "update", "delete"];
        commands
            .into_iter()
            .zip(self.relations.iter().map(|relation| relation.name.clone()))
            .collect()
    }

    /// The SQL expression of a row's id.
    pub fn id_sql(&self) -> &'static str {
        match self.key {
            Some(Key::Composite) => "replace(replace(id_1, '~', '~0'), '/', '~1') || '/' || id_2",
            _ => "id::text",
        }
    }
}

fn write_rule(rule: &Rule, level: usize, out: &mut String) {
    let pad = "    ".repeat(level);
    let _ = match rule {
        Rule::Relation(relation) => writeln!(out, "{pad}relation {relation}"),
        Rule::On(relation, edge, far) => writeln!(out, "{pad}relation {relation} on {edge} [{far}]"),
        Rule::Policy(policy) => writeln!(out, "{pad}policy {policy}"),
        Rule::Group(op, rules) => {
            let _ = writeln!(out, "{pad}{op}");
            rules.iter().for_each(|rule| write_rule(rule, level + 1, out));
            Ok(())
        }
    };
}

/// The columns of a key, by a prefix.
pub fn key_columns(name: &str, key: Option<Key>) -> Vec<String> {
    match key {
        Some(Key::Composite) => vec![format!("{name}_1"), format!("{name}_2")],
        _ => vec![name.to_owned()],
    }
}

fn typed(name: &str, key: Option<Key>, more: &str) -> Vec<String> {
    let types: &[&str] = match key {
        None | Some(Key::Text) => &["text"],
        Some(Key::Integer) => &["bigint"],
        Some(Key::Uuid) => &["uuid"],
        Some(Key::Composite) => &["varchar(40)", "integer"],
    };
    key_columns(name, key)
        .into_iter()
        .zip(types)
        .map(|(name, ty)| format!("{name} {ty}{more}"))
        .collect()
}

fn key_values(id: &str, key: Option<Key>) -> Vec<String> {
    match key {
        None | Some(Key::Text | Key::Uuid) => vec![literal(id)],
        Some(Key::Integer) => vec![format!("({id})")],
        Some(Key::Composite) => {
            let (first, second) = id.split_once('/').unwrap();
            vec![
                literal(&first.replace("~1", "/").replace("~0", "~")),
                second.to_owned(),
            ]
        }
    }
}

fn attribute_sql(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(text) => literal(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| literal(item.as_str().unwrap())).collect();
            format!("array[{}]::text[]", items.join(", "))
        }
        other => other.to_string(),
    }
}

fn is_key(prefix: &str, key: Option<Key>, id: &str) -> String {
    let columns = key_columns(prefix, key);
    let tests = columns.iter().zip(key_values(id, key));
    let tests: Vec<String> = tests
        .map(|(column, value)| format!("{column} = {value}"))
        .collect();
    tests.join(" and ")
}

pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    format!("[{}]", quoted.join(", "))
}
