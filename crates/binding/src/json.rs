//! JSON to bindings. TOML takes the same way, so both forms say the same. `write` is the way back.

mod write;

use std::collections::BTreeMap;

use rowgate_schema::Diagnostic;
use serde_json::{Map, Value};

use crate::condition::{self, Condition};
use crate::document::{Bindings, Command, JoinTable, Parent, ParentKey, Source, Subject, Table};
use crate::name::{Qualified, identifier_problem};
use crate::report::Report;
use crate::suggest::did_you_mean;
use crate::text::{self, Places, join};

/// Longest name of a claim, in bytes.
const MAX_CLAIM: usize = 128;

impl Bindings {
    /// Reads `rowgate.toml`. Everything that is wrong with its shape is reported at once.
    pub fn parse_toml(source: &str) -> Result<Self, Vec<Diagnostic>> {
        let (value, places) = text::read(source)?;
        read(&value, places)
    }

    /// Reads the JSON form, the one that [`Bindings::to_json`] writes.
    pub fn from_json(value: &Value) -> Result<Self, Vec<Diagnostic>> {
        read(value, Places::default())
    }
}

fn read(value: &Value, places: Places) -> Result<Bindings, Vec<Diagnostic>> {
    let mut reader = Reader::default();
    let bindings = reader.bindings(value, places.clone());
    match bindings {
        Some(bindings) if !reader.report.has_errors() => Ok(bindings),
        _ => Err(reader.report.finish(&places)),
    }
}

#[derive(Default)]
struct Reader {
    report: Report,
}

/// The fields of one object and where it stands.
struct Fields<'v> {
    map: &'v Map<String, Value>,
    path: String,
}

impl<'v> Fields<'v> {
    fn get(&self, key: &str) -> Option<(&'v Value, String)> {
        self.map.get(key).map(|value| (value, join(&self.path, key)))
    }
}

impl Reader {
    fn bindings(&mut self, value: &Value, places: Places) -> Option<Bindings> {
        let fields = self.object(value, "", &["environment", "roles", "subject", "table"])?;
        let environment = match fields.get("environment") {
            Some((value, path)) => self.text(value, &path),
            None => Some("default".to_owned()),
        };
        let roles = match fields.get("roles") {
            Some((value, path)) => self.names(value, &path),
            None => Some(Vec::new()),
        };
        let subject = self
            .required(&fields, "subject")
            .and_then(|(value, path)| self.subject(value, &path));
        let tables = match fields.get("table") {
            Some((value, path)) => self.list(value, &path, Self::table),
            None => Some(Vec::new()),
        };
        Some(Bindings {
            environment: environment?,
            roles: roles?,
            subject: subject?,
            tables: tables?,
            places,
        })
    }

    fn subject(&mut self, value: &Value, path: &str) -> Option<Subject> {
        let fields = self.object(value, path, &["type", "id", "claim"])?;
        let resource_type = self.required_text(&fields, "type")?;
        let is_membership = resource_type == Subject::MEMBERSHIP_TYPE;
        let claim = match fields.get("claim") {
            None => None,
            Some((value, path)) => Some(self.claim(value, &path, is_membership)?),
        };
        let function = match fields.get("id") {
            None if is_membership => Some(Subject::membership()),
            None => Some(Qualified::new("auth", "user_id")),
            Some((_, path)) if claim.is_some() => {
                let message = "`id` and `claim` both say who is asking";
                self.report.key_error("unknown_field", &path, message).help =
                    Some("keep one of them".to_owned());
                None
            }
            Some((value, path)) => {
                let text = self.text(value, &path)?;
                self.named(Qualified::parse_function(&text), &path)
            }
        };
        Some(Subject {
            resource_type,
            function: function?,
            claim,
        })
    }

    fn claim(&mut self, value: &Value, path: &str, is_membership: bool) -> Option<String> {
        let claim = self.text(value, path)?;
        if !is_membership {
            let message = format!("`claim` goes with the type `{}`", Subject::MEMBERSHIP_TYPE);
            self.report.key_error("unknown_field", path, message).help =
                Some("for other subjects, `id` names a function".to_owned());
            return None;
        }
        if claim.is_empty() || claim.len() > MAX_CLAIM || claim.contains('\0') {
            let message = format!("the name of a claim has 1 to {MAX_CLAIM} bytes");
            self.report.error("invalid_name", path, message);
            return None;
        }
        Some(claim)
    }

    fn table(&mut self, value: &Value, path: &str) -> Option<Table> {
        let known = [
            "name",
            "type",
            "id",
            "id_is_unique",
            "organization",
            "parent",
            "where",
            "relations",
            "attributes",
            "policies",
        ];
        let fields = self.object(value, path, &known)?;
        let name = self.qualified(&fields, "name");
        let resource_type = self.required_text(&fields, "type");
        let id = self
            .required(&fields, "id")
            .and_then(|(value, path)| self.columns(value, &path));
        let id_is_unique = match fields.get("id_is_unique") {
            Some((value, path)) => self.boolean(value, &path),
            None => Some(false),
        };
        let organization = match fields.get("organization") {
            Some((value, path)) => self.column(value, &path).map(Some),
            None => Some(None),
        };
        let parents = match fields.get("parent") {
            Some((value, path)) => {
                self.one_or_more(value, &path, "a row has at least one parent", Self::parent)
            }
            None => Some(Vec::new()),
        };
        let conditions = self.conditions(&fields);
        let relations = self.entries(&fields, "relations", Self::sources);
        let attributes = self.entries(&fields, "attributes", Self::column);
        let policies = self.entries(&fields, "policies", |reader, value, path| {
            reader.text(value, path)
        });
        let policies = policies.and_then(|policies| self.commands(policies, &join(path, "policies")));
        Some(Table {
            name: name?,
            resource_type: resource_type?,
            id: id?,
            id_is_unique: id_is_unique?,
            conditions: conditions?,
            relations: relations?,
            attributes: attributes?,
            policies: policies?,
            organization: organization?,
            parents: parents?,
        })
    }

    fn parent(&mut self, value: &Value, path: &str) -> Option<Parent> {
        let fields = self.object(value, path, &["type", "column", "by"])?;
        let resource_type = self.required_text(&fields, "type");
        let columns = self
            .required(&fields, "column")
            .and_then(|(value, path)| self.columns(value, &path));
        let by = match fields.get("by") {
            None => Some(ParentKey::ExternalId),
            Some((value, path)) => {
                let word = self.text(value, &path)?;
                let by = ParentKey::parse(&word);
                if by.is_none() {
                    let message = format!("`{word}` is not what a column can name a parent by");
                    self.report.error("wrong_shape", &path, message).help =
                        Some("it holds an `external_id` or a `resource_id`".to_owned());
                }
                by
            }
        };
        Some(Parent {
            resource_type: resource_type?,
            columns: columns?,
            by: by?,
        })
    }

    fn commands(
        &mut self,
        policies: BTreeMap<String, String>,
        path: &str,
    ) -> Option<BTreeMap<Command, String>> {
        let mut out = BTreeMap::new();
        let mut complete = true;
        for (keyword, relation) in policies {
            match Command::parse(&keyword) {
                Some(command) => {
                    out.insert(command, relation);
                }
                None => {
                    complete = false;
                    let message = format!("policies cannot guard `{keyword}`");
                    self.report
                        .key_error("unknown_command", &join(path, &keyword), message)
                        .help = Some("the commands are `select`, `insert`, `update` and `delete`".to_owned());
                }
            }
        }
        complete.then_some(out)
    }

    fn sources(&mut self, value: &Value, path: &str) -> Option<Vec<Source>> {
        self.one_or_more(
            value,
            path,
            "a bound relation needs at least one source",
            Self::source,
        )
    }

    /// One thing, or a list of at least one.
    fn one_or_more<T>(
        &mut self,
        value: &Value,
        path: &str,
        otherwise: &str,
        read: impl Fn(&mut Self, &Value, &str) -> Option<T>,
    ) -> Option<Vec<T>> {
        if !value.is_array() {
            return read(self, value, path).map(|one| vec![one]);
        }
        let all = self.list(value, path, read)?;
        if all.is_empty() {
            self.report.error("wrong_shape", path, otherwise);
            return None;
        }
        Some(all)
    }

    fn source(&mut self, value: &Value, path: &str) -> Option<Source> {
        let fields = self.object(
            value,
            path,
            &["table", "key", "where", "column", "type", "relation"],
        )?;
        let join = self.join_table(&fields);
        let columns = self
            .required(&fields, "column")
            .and_then(|(value, path)| self.columns(value, &path));
        let resource_type = self.required_text(&fields, "type");
        let relation = match fields.get("relation") {
            Some((value, path)) => Some(self.text(value, &path)?),
            None => None,
        };
        Some(Source {
            join: join?,
            columns: columns?,
            resource_type: resource_type?,
            relation,
        })
    }

    fn join_table(&mut self, fields: &Fields<'_>) -> Option<Option<JoinTable>> {
        if fields.get("table").is_none() {
            let mut fits = true;
            for key in ["key", "where"] {
                if let Some((_, path)) = fields.get(key) {
                    fits = false;
                    let message = format!("`{key}` goes with `table`, the table that joins");
                    self.report.key_error("column_in_join", &path, message);
                }
            }
            return fits.then_some(None);
        }
        let name = self.qualified(fields, "table");
        let key = match fields.get("key") {
            Some((value, path)) => self.columns(value, &path),
            None => {
                let message = "a table that joins needs `key`, its columns that hold the id of the resource";
                self.report.error("column_in_join", &fields.path, message);
                None
            }
        };
        let conditions = self.conditions(fields);
        Some(Some(JoinTable {
            name: name?,
            key: key?,
            conditions: conditions?,
        }))
    }

    fn conditions(&mut self, fields: &Fields<'_>) -> Option<Vec<Condition>> {
        let Some((value, path)) = fields.get("where") else {
            return Some(Vec::new());
        };
        let text = self.text(value, &path)?;
        match condition::parse(&text) {
            Ok(conditions) => {
                let problem = conditions
                    .iter()
                    .find_map(|condition| identifier_problem(&condition.column));
                self.no_problem(problem, &path).then_some(conditions)
            }
            Err(problem) => {
                self.report.error("invalid_condition", &path, problem).help =
                    Some("for example `deleted_at is null and kind <> 'draft'`".to_owned());
                None
            }
        }
    }

    fn qualified(&mut self, fields: &Fields<'_>, key: &str) -> Option<Qualified> {
        let (value, path) = self.required(fields, key)?;
        let text = self.text(value, &path)?;
        self.named(Qualified::parse(&text), &path)
    }

    fn named(&mut self, name: Result<Qualified, String>, path: &str) -> Option<Qualified> {
        match name {
            Ok(name) => Some(name),
            Err(problem) => {
                self.report.error("invalid_name", path, problem);
                None
            }
        }
    }

    /// One column, or a list of at least one.
    fn columns(&mut self, value: &Value, path: &str) -> Option<Vec<String>> {
        if value.is_string() {
            return self.column(value, path).map(|column| vec![column]);
        }
        let columns = self.names(value, path)?;
        if columns.is_empty() {
            self.report
                .error("wrong_shape", path, "at least one column is needed");
            return None;
        }
        for (index, column) in columns.iter().enumerate() {
            if columns[..index].contains(column) {
                let message = format!("`{column}` is named twice");
                self.report.error("duplicate_column", path, message);
                return None;
            }
        }
        Some(columns)
    }

    fn names(&mut self, value: &Value, path: &str) -> Option<Vec<String>> {
        self.list(value, path, Self::column)
    }

    fn column(&mut self, value: &Value, path: &str) -> Option<String> {
        let name = self.text(value, path)?;
        self.no_problem(identifier_problem(&name), path).then_some(name)
    }

    fn no_problem(&mut self, problem: Option<String>, path: &str) -> bool {
        match problem {
            Some(problem) => {
                self.report.error("invalid_name", path, problem);
                false
            }
            None => true,
        }
    }

    fn entries<T>(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        mut read: impl FnMut(&mut Self, &Value, &str) -> Option<T>,
    ) -> Option<BTreeMap<String, T>> {
        let Some((value, path)) = fields.get(key) else {
            return Some(BTreeMap::new());
        };
        let Value::Object(map) = value else {
            self.wrong_shape(value, &path, "a table");
            return None;
        };
        let mut out = BTreeMap::new();
        for (name, value) in map {
            let entry = read(self, value, &join(&path, name));
            out.insert(name.clone(), entry);
        }
        out.into_iter()
            .map(|(name, entry)| entry.map(|entry| (name, entry)))
            .collect()
    }

    fn list<T>(
        &mut self,
        value: &Value,
        path: &str,
        read: impl Fn(&mut Self, &Value, &str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Value::Array(items) = value else {
            self.wrong_shape(value, path, "a list");
            return None;
        };
        let read: Vec<Option<T>> = items
            .iter()
            .enumerate()
            .map(|(index, item)| read(self, item, &format!("{path}[{index}]")))
            .collect();
        read.into_iter().collect()
    }

    fn object<'v>(&mut self, value: &'v Value, path: &str, known: &[&str]) -> Option<Fields<'v>> {
        let Value::Object(map) = value else {
            self.wrong_shape(value, path, "a table");
            return None;
        };
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            let message = format!("there is no field `{key}` here");
            let known_ones = || format!("the fields are {}", quoted_list(known));
            let help = did_you_mean(key, known.iter().copied()).unwrap_or_else(known_ones);
            self.report
                .key_error("unknown_field", &join(path, key), message)
                .help = Some(help);
        }
        Some(Fields {
            map,
            path: path.to_owned(),
        })
    }

    fn required<'v>(&mut self, fields: &Fields<'v>, key: &str) -> Option<(&'v Value, String)> {
        let found = fields.get(key);
        if found.is_none() {
            self.report
                .key_error("missing_field", &fields.path, format!("`{key}` is missing"));
        }
        found
    }

    fn required_text(&mut self, fields: &Fields<'_>, key: &str) -> Option<String> {
        let (value, path) = self.required(fields, key)?;
        self.text(value, &path)
    }

    fn text(&mut self, value: &Value, path: &str) -> Option<String> {
        match value {
            Value::String(text) => Some(text.clone()),
            other => {
                self.wrong_shape(other, path, "a text");
                None
            }
        }
    }

    fn boolean(&mut self, value: &Value, path: &str) -> Option<bool> {
        let read = value.as_bool();
        if read.is_none() {
            self.wrong_shape(value, path, "`true` or `false`");
        }
        read
    }

    fn wrong_shape(&mut self, value: &Value, path: &str, wanted: &str) {
        let found = match value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "a table",
        };
        self.report
            .error("wrong_shape", path, format!("expected {wanted}, found {found}"));
    }
}

fn quoted_list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
