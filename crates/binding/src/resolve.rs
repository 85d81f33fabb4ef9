//! Every check that needs the schema.

use std::collections::BTreeSet;

use rowgate_schema::ast::{Rule, TypeDef};
use rowgate_schema::{Diagnostic, Model};

use crate::authz::{MEMBERSHIP, ORGANIZATION_TYPE, permission_relation};
use crate::document::{Bindings, Command, Source, Table};
use crate::permission::{self, Lowered};
use crate::report::Report;
use crate::resolved::Resolved;
use crate::suggest::did_you_mean;
use crate::text::join;

impl Bindings {
    /// Checks the bindings against a schema. Everything that is wrong is reported at once.
    pub fn resolve(&self, model: &Model) -> Result<Resolved, Vec<Diagnostic>> {
        let mut report = Report::default();
        let Lowered {
            bindings,
            model,
            failed,
        } = permission::lower(self, model, &mut report);
        let mut checker = Checker {
            bindings: &bindings,
            model: &model,
            report,
        };
        checker.document();
        for (index, table) in bindings.tables.iter().enumerate() {
            if !failed.contains(&index) {
                checker.table(table, index);
            }
        }
        checker.cycles();
        checker.guards_something();
        let failed = checker.report.has_errors();
        let found = checker.report.finish(&self.places);
        if failed {
            return Err(found);
        }
        Ok(Resolved::new(self.clone(), bindings, model, found))
    }

    /// An error about the value at `path`, such as `table[0].id`, with its place in the text. For those who look at the database.
    #[must_use]
    pub fn error_at(
        &self,
        code: &'static str,
        path: &str,
        message: String,
        help: Option<String>,
    ) -> Diagnostic {
        let mut report = Report::default();
        report.error(code, path, message).help = help;
        report.finish(&self.places).remove(0)
    }
}

struct Checker<'a> {
    bindings: &'a Bindings,
    model: &'a Model,
    report: Report,
}

impl<'a> Checker<'a> {
    fn document(&mut self) {
        let environment = &self.bindings.environment;
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if environment.is_empty() || !environment.chars().all(fits) {
            let message = format!("`{environment}` cannot be the name of an environment");
            self.report.error("invalid_name", "environment", message).help =
                Some("names have letters, digits, `_` and `-`".to_owned());
        }
        self.known_type(&self.bindings.subject.resource_type, "subject.type");
        let mut seen = BTreeSet::new();
        for (index, role) in self.bindings.roles.iter().enumerate() {
            let path = format!("roles[{index}]");
            if !seen.insert(role) {
                self.report
                    .error("duplicate_role", &path, format!("`{role}` is named twice"));
            }
            let reserved = role.eq_ignore_ascii_case("public")
                || role.starts_with("pg_")
                || role.starts_with("rowgate_");
            if reserved {
                let message = format!("policies cannot be for `{role}`");
                self.report.error("reserved_role", &path, message).help =
                    Some("name the roles that the application connects as".to_owned());
            }
        }
        let guards = self
            .bindings
            .tables
            .iter()
            .any(|table| !table.policies.is_empty());
        if guards && self.bindings.roles.is_empty() {
            let message = "there are policies, and `roles` does not say which database roles they are for";
            self.report.key_error("missing_roles", "roles", message).help =
                Some("for example `roles = [\"app\"]`, the role that the application connects as".to_owned());
        }
    }

    /// Bindings that are right otherwise, and guard nothing, may be half of what was meant.
    fn guards_something(&mut self) {
        let tables = &self.bindings.tables;
        if self.report.has_errors()
            || tables.is_empty()
            || tables.iter().any(|table| !table.policies.is_empty())
        {
            return;
        }
        let message =
            "no table has `policies`, so no row is guarded: these bindings serve checks and queries alone";
        self.report.key_warning("nothing_guarded", "table", message).help =
            Some("for example `policies.select = \"viewer\"` in a `[[table]]`".to_owned());
    }

    fn table(&mut self, table: &Table, index: usize) {
        let path = format!("table[{index}]");
        let before = &self.bindings.tables[..index];
        if before.iter().any(|other| other.name == table.name) {
            let message = format!("table `{}` is bound twice", table.name);
            self.report
                .error("duplicate_table", &join(&path, "name"), message);
        }
        if let Some(other) = before
            .iter()
            .find(|other| other.resource_type == table.resource_type)
        {
            let message = format!(
                "type `{}` is bound to `{}` already",
                table.resource_type, other.name
            );
            self.report
                .error("duplicate_type", &join(&path, "type"), message)
                .help =
                Some("a type is bound to one table; bind a second one to a type of its own".to_owned());
        }
        let Some(def) = self.known_type(&table.resource_type, &join(&path, "type")) else {
            return;
        };
        for (relation, sources) in &table.relations {
            let path = join(&path, &table.place_of(relation));
            if !self.known_relation(def, relation, &path) {
                continue;
            }
            for (at, source) in sources.iter().enumerate() {
                let place = self.bindings.item_path(&path, at, sources.len());
                self.source(table, relation, source, &place);
            }
        }
        for parameter in table.attributes.keys() {
            self.attribute(def, parameter, &join(&join(&path, "attributes"), parameter));
        }
        self.policies(table, def, &join(&path, "policies"));
    }

    fn policies(&mut self, table: &Table, def: &TypeDef, path: &str) {
        for (command, relation) in &table.policies {
            let path = join(path, command.keyword());
            if !has_relation(def, relation) {
                self.unknown_relation(def, relation, &path, false);
            }
        }
        let reads = [Command::Update, Command::Delete]
            .iter()
            .any(|command| table.policies.contains_key(command));
        if reads && !table.policies.contains_key(&Command::Select) {
            let message = "rows that cannot be selected cannot be updated or deleted by a condition either";
            self.report.key_warning("missing_select", path, message).help =
                Some("add `select`, the relation that lets a row be read".to_owned());
        }
    }

    fn source(&mut self, table: &Table, relation: &str, source: &Source, path: &str) {
        if let Some(join_table) = &source.join
            && join_table.key.len() != table.id.len()
        {
            let message = format!(
                "the key has {} columns; the id of `{}` has {}",
                join_table.key.len(),
                table.name,
                table.id.len()
            );
            self.report.error("column_count", &join(path, "key"), message);
        }
        let Some(def) = self.known_type(&source.resource_type, &join(path, "type")) else {
            return;
        };
        if let Some(far) = self
            .bindings
            .tables
            .iter()
            .find(|t| t.resource_type == source.resource_type)
            && far.id.len() != source.columns.len()
        {
            let message = format!(
                "the id of type `{}` has {} columns in `{}`; here it has {}",
                source.resource_type,
                far.id.len(),
                far.name,
                source.columns.len()
            );
            self.report.error("column_count", &join(path, "column"), message);
        }
        if let Some(group) = &source.relation
            && !has_relation(def, group)
        {
            return self.unknown_relation(def, group, &join(path, "relation"), false);
        }
        let group = source.relation.as_deref();
        if !self.model.accepts(
            &table.resource_type,
            relation,
            &source.resource_type,
            group,
            false,
        ) {
            self.not_accepted(table, relation, source, path);
        }
    }

    fn not_accepted(&mut self, table: &Table, relation: &str, source: &Source, path: &str) {
        let shown = |resource_type: &str, relation: Option<&str>| match relation {
            Some(relation) => format!("{resource_type}#{relation}"),
            None => resource_type.to_owned(),
        };
        let subject = shown(&source.resource_type, source.relation.as_deref());
        let message = format!(
            "`{}#{relation}` does not accept `{subject}` as a subject",
            table.resource_type
        );
        let def = self.model.relation(&table.resource_type, relation);
        let allowed: Vec<String> = def
            .and_then(|def| def.allowed.as_ref())
            .into_iter()
            .flatten()
            .map(|entry| {
                shown(
                    &entry.resource_type.text,
                    entry.relation.as_ref().map(|r| r.text.as_str()),
                )
            })
            .collect();
        let help = if allowed.is_empty() {
            "the relation is only computed; its brackets in the schema are empty".to_owned()
        } else {
            format!("the schema lets it have [{}]", allowed.join(", "))
        };
        self.report.error("subject_not_accepted", path, message).help = Some(help);
    }

    fn attribute(&mut self, def: &TypeDef, parameter: &str, path: &str) {
        let all = &self.model.schema().policies;
        let declares = |policy: &&rowgate_schema::ast::PolicyDef| {
            policy
                .parameters
                .iter()
                .any(|declared| declared.name.text == parameter)
        };
        if !all.iter().any(|policy| declares(&policy)) {
            let known: BTreeSet<&str> = all
                .iter()
                .flat_map(|policy| &policy.parameters)
                .map(|p| p.name.text.as_str())
                .collect();
            let message = format!("no policy of the schema has a parameter `{parameter}`");
            self.report.key_error("unknown_attribute", path, message).help = did_you_mean(parameter, known);
            return;
        }
        let mut used = BTreeSet::new();
        let rules = def.relations.iter().filter_map(|relation| relation.rule.as_ref());
        rules.for_each(|rule| policies_of(rule, &mut used));
        let read = all
            .iter()
            .filter(|policy| used.contains(policy.name.text.as_str()));
        if !read.into_iter().any(|policy| declares(&policy)) {
            let message = format!(
                "no rule of `{}` uses a policy with a parameter `{parameter}`",
                def.name.text
            );
            self.report.key_warning("unused_attribute", path, message);
        }
    }

    /// A bound group is a dependency as a group warrant is, and must not close a cycle through `none_of` either.
    fn cycles(&mut self) {
        if self.report.has_errors() {
            return;
        }
        let tables = self.bindings.tables.iter().flat_map(|table| {
            let sources = table
                .relations
                .iter()
                .flat_map(|(name, sources)| sources.iter().map(move |s| (name, s)));
            sources.filter_map(move |(name, source)| {
                let from = (table.resource_type.as_str(), name.as_str());
                Some((from, (source.resource_type.as_str(), source.relation.as_deref()?)))
            })
        });
        if let Some(cycle) = self.model.negative_cycle_with(&mut tables.into_iter()) {
            let message = format!(
                "bound groups close a cycle through `none_of`: {}",
                cycle.join(" → ")
            );
            self.report.key_error("none_of_cycle", "table", message);
        }
    }

    fn known_type(&mut self, name: &str, path: &str) -> Option<&'a TypeDef> {
        let model = self.model;
        let found = model.type_def(name);
        if found.is_none() {
            let known = model.schema().types.iter().map(|def| def.name.text.as_str());
            let (message, help) = if name == MEMBERSHIP {
                let message = "the environment has no organization memberships yet".to_owned();
                (
                    message,
                    Some("declare resource types with `rowgate authz apply` first".to_owned()),
                )
            } else {
                (
                    format!("the schema has no type `{name}`"),
                    did_you_mean(name, known),
                )
            };
            self.report.error("unknown_type", path, message).help = help;
        }
        found
    }

    fn known_relation(&mut self, def: &TypeDef, relation: &str, path: &str) -> bool {
        let known = has_relation(def, relation);
        if !known {
            self.unknown_relation(def, relation, path, true);
        }
        known
    }

    fn unknown_relation(&mut self, def: &TypeDef, relation: &str, path: &str, is_key: bool) {
        let message = format!("type `{}` has no relation `{relation}`", def.name.text);
        let is_permission = self
            .model
            .relation(ORGANIZATION_TYPE, &permission_relation(relation))
            .is_some();
        let help = if is_permission && !is_key {
            Some(format!(
                "`{relation}` is a permission; say in `parent` what the rows are under"
            ))
        } else {
            did_you_mean(relation, def.relations.iter().map(|r| r.name.text.as_str()))
        };
        let code = "unknown_relation";
        let diagnostic = if is_key {
            self.report.key_error(code, path, message)
        } else {
            self.report.error(code, path, message)
        };
        diagnostic.help = help;
    }
}

fn has_relation(def: &TypeDef, relation: &str) -> bool {
    def.relations.iter().any(|known| known.name.text == relation)
}

fn policies_of<'r>(rule: &'r Rule, found: &mut BTreeSet<&'r str>) {
    match rule {
        Rule::Policy { policy } => {
            found.insert(&policy.text);
        }
        Rule::Group { rules, .. } => rules.iter().for_each(|rule| policies_of(rule, found)),
        Rule::Relation { .. } | Rule::On { .. } => {}
    }
}
