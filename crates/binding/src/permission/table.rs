//! The translation of one table with parents.

use std::collections::{BTreeMap, BTreeSet};

use rowgate_schema::Model;
use rowgate_schema::limits::MAX_NAME_CHARS;

use super::types::Types;
use super::{Additions, OwnType};
use crate::authz::{self, NAME, ORGANIZATION, relation};
use crate::document::{Bindings, Command, Parent, ParentKey, Source, Subject, Table};
use crate::report::Report;
use crate::suggest::did_you_mean;
use crate::text::join;

pub(super) struct Lowering<'a> {
    bindings: &'a Bindings,
    model: &'a Model,
    types: Types<'a>,
    report: &'a mut Report,
    pub(super) additions: Additions,
}

/// What a table's rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Resources of a resource type.
    Declared,
    /// Rows of a type that only the bindings know.
    Own,
}

impl<'a> Lowering<'a> {
    pub(super) fn new(bindings: &'a Bindings, model: &'a Model, report: &'a mut Report) -> Self {
        Self {
            bindings,
            model,
            types: Types::of(model),
            report,
            additions: Additions::default(),
        }
    }

    /// Permissions are held by memberships.
    pub(super) fn subject(&mut self, is_membership: bool) {
        let guarded = |table: &Table| !table.parents.is_empty() && !table.policies.is_empty();
        if is_membership || !self.bindings.tables.iter().any(guarded) {
            return;
        }
        let message = format!(
            "tables with `parent` are guarded by permissions, which organization memberships have, and `{}` is none",
            self.bindings.subject.resource_type
        );
        self.report
            .error("membership_needed", "subject.type", message)
            .help = Some(format!("write `type = \"{}\"`", Subject::MEMBERSHIP_TYPE));
    }

    /// The table as everything else understands it; `None` when something is wrong with it, which was reported.
    pub(super) fn table(&mut self, index: usize) -> Option<Table> {
        let bindings = self.bindings;
        let table = bindings.tables.get(index)?;
        let path = format!("table[{index}]");
        if table.parents.is_empty() {
            if table.organization.is_none() {
                return Some(table.clone());
            }
            let message = "`organization` goes with `parent`, which says what a row is under";
            self.report
                .key_error("missing_parent", &join(&path, "organization"), message);
            return None;
        }
        let kind = self.kind(table, &path);
        let relations = self.no_relations(table, &path);
        let sources = self.sources(table, kind, &path);
        let policies = self.policies(table, kind, &path);
        let (kind, (), sources, policies) = (kind?, relations?, sources?, policies?);
        let organization = table.organization.iter();
        let id = match kind {
            Kind::Declared => organization.chain(&table.id).cloned().collect(),
            Kind::Own => table.id.clone(),
        };
        if kind == Kind::Own {
            self.additions.types.push(OwnType {
                name: table.resource_type.clone(),
                parents: sources
                    .iter()
                    .map(|source| source.resource_type.clone())
                    .collect(),
            });
        }
        self.additions.permissions.extend(policies.values().cloned());
        Some(Table {
            resource_type: match kind {
                Kind::Declared => authz::type_name(&table.resource_type),
                Kind::Own => table.resource_type.clone(),
            },
            id,
            relations: BTreeMap::from([(relation::PARENT.to_owned(), sources)]),
            policies,
            ..table.clone()
        })
    }

    fn kind(&mut self, table: &Table, path: &str) -> Option<Kind> {
        let name = table.resource_type.as_str();
        let path = join(path, "type");
        if self.types.has(name) && name != ORGANIZATION {
            return self.declared(table, &path);
        }
        let problem = if name == ORGANIZATION {
            Some((
                "not_a_parent",
                "organizations are no rows of the application".to_owned(),
            ))
        } else if self.model.type_def(name).is_some() {
            let message = format!(
                "`{name}` is a type of the schema; with `parent`, a type is a resource type or a name of its own"
            );
            Some(("type_taken", message))
        } else if !is_name(name) || authz::is_reserved(name) {
            Some(("invalid_name", format!("`{name}` cannot be the name of a type")))
        } else {
            None
        };
        match problem {
            None => Some(Kind::Own),
            Some((code, message)) => {
                let help =
                    (code == "type_taken").then(|| format!("call it otherwise, for example `app-{name}`"));
                self.report.error(code, &path, message).help = help;
                None
            }
        }
    }

    /// A resource type's ids begin with the organization, and one column tells its resources apart.
    fn declared(&mut self, table: &Table, path: &str) -> Option<Kind> {
        let slug = &table.resource_type;
        if table.organization.is_none() {
            let message = format!("the ids of `{slug}` are unique only within an organization");
            self.report.error("missing_organization", path, message).help =
                Some(ORGANIZATION_HELP.to_owned());
            return None;
        }
        if table.id.len() != 1 {
            let message = format!(
                "`{slug}` is a resource type, whose external ids are one column beside the organization; here they are {}",
                table.id.len()
            );
            self.report.error("column_count", path, message);
            return None;
        }
        Some(Kind::Declared)
    }

    fn no_relations(&mut self, table: &Table, path: &str) -> Option<()> {
        if table.relations.is_empty() {
            return Some(());
        }
        let message = "a table with `parent` is guarded by permissions and has no relations";
        self.report
            .key_error("relations_with_parent", &join(path, "relations"), message)
            .help = Some("say in `parent` what its rows are under".to_owned());
        None
    }

    fn sources(&mut self, table: &Table, kind: Option<Kind>, path: &str) -> Option<Vec<Source>> {
        let sources: Vec<Option<Source>> = table
            .parents
            .iter()
            .enumerate()
            .map(|(at, parent)| {
                let path = self
                    .bindings
                    .item_path(&join(path, "parent"), at, table.parents.len());
                self.source(table, kind, parent, &path)
            })
            .collect();
        sources.into_iter().collect()
    }

    fn source(&mut self, table: &Table, kind: Option<Kind>, parent: &Parent, path: &str) -> Option<Source> {
        let slug = parent.resource_type.as_str();
        let columns = parent.columns.clone();
        let source = |columns, resource_type: String| Source {
            join: None,
            columns,
            resource_type,
            relation: None,
        };
        if !self.types.has(slug) && !self.is_own(slug) {
            let own = self
                .bindings
                .tables
                .iter()
                .filter(|table| !table.parents.is_empty());
            let known = self
                .types
                .slugs()
                .chain(own.map(|table| table.resource_type.as_str()));
            let help = did_you_mean(slug, known).unwrap_or_else(|| {
                "declare it with `rowgate authz apply`, or bind a table of that type, with `parent`"
                    .to_owned()
            });
            let message = format!("there is no resource type `{slug}`");
            self.report
                .error("unknown_type", &join(path, "type"), message)
                .help = Some(help);
            return None;
        }
        if kind == Some(Kind::Declared) && !self.types.parents(&table.resource_type).contains(&slug) {
            let allowed = self.types.parents(&table.resource_type).join("`, `");
            let message = format!(
                "resources of type `{}` are not under `{slug}`",
                table.resource_type
            );
            self.report
                .error("not_a_parent", &join(path, "type"), message)
                .help = Some(format!("they are under `{allowed}`"));
            return None;
        }
        if self.is_own(slug) {
            // Whether there are as many columns as its id has is found with the other sources.
            return self
                .is_by_external_id(parent, path, "a row is named by its id")
                .then(|| source(columns, slug.to_owned()));
        }
        let [column] = columns.as_slice() else {
            let message = format!(
                "a resource is named by one column; here they are {}",
                columns.len()
            );
            self.report.error("column_count", &join(path, "column"), message);
            return None;
        };
        if slug == ORGANIZATION {
            return self
                .is_by_external_id(parent, path, "the column holds the id of the organization")
                .then(|| source(columns.clone(), authz::type_name(slug)));
        }
        match (parent.by, &table.organization) {
            (ParentKey::ResourceId, _) if kind == Some(Kind::Declared) => {
                let message = format!(
                    "rows of the resource type `{}` name their parents by external id",
                    table.resource_type
                );
                self.report
                    .error("resource_id_not_possible", &join(path, "by"), message)
                    .help =
                    Some("hold the external id, or give the table a type that is not declared".to_owned());
                None
            }
            (ParentKey::ResourceId, _) => {
                self.additions.named.insert(authz::type_name(slug));
                Some(source(columns, NAME.to_owned()))
            }
            (ParentKey::ExternalId, Some(organization)) => Some(source(
                vec![organization.clone(), column.clone()],
                authz::type_name(slug),
            )),
            // Said of the table already.
            (ParentKey::ExternalId, None) if kind.is_none() => None,
            (ParentKey::ExternalId, None) => {
                let message = format!("external ids of `{slug}` are unique only within an organization");
                self.report.error("missing_organization", path, message).help =
                    Some(ORGANIZATION_HELP.to_owned());
                None
            }
        }
    }

    fn is_by_external_id(&mut self, parent: &Parent, path: &str, message: &str) -> bool {
        if parent.by == ParentKey::ExternalId {
            return true;
        }
        self.report
            .error("resource_id_not_possible", &join(path, "by"), message)
            .help = Some("leave `by` out".to_owned());
        false
    }

    /// Whether a type is that of a table with parents, and declared nowhere.
    fn is_own(&self, name: &str) -> bool {
        self.own(name).is_some()
    }

    fn own(&self, name: &str) -> Option<&'a Table> {
        let tables = &self.bindings.tables;
        let found = tables
            .iter()
            .find(|table| table.resource_type == name && !table.parents.is_empty());
        found.filter(|_| !self.types.has(name))
    }

    fn policies(
        &mut self,
        table: &Table,
        kind: Option<Kind>,
        path: &str,
    ) -> Option<BTreeMap<Command, String>> {
        // Of what rows are nothing is known, nothing can be said of its permissions either.
        let roots = kind.map(|_| self.roots(table)).unwrap_or_default();
        let mut out = BTreeMap::new();
        let mut complete = true;
        for (command, slug) in &table.policies {
            let path = join(&join(path, "policies"), command.keyword());
            if self.permission(slug, &roots, &path) {
                out.insert(*command, authz::permission_relation(slug));
            } else {
                complete = false;
            }
        }
        complete.then_some(out)
    }

    fn permission(&mut self, slug: &str, roots: &BTreeSet<&str>, path: &str) -> bool {
        let lower_case = !slug.contains(|c: char| c.is_ascii_uppercase());
        let Some(of) = self.types.declared_on(slug).filter(|_| lower_case) else {
            let known = self.types.permissions();
            let message = format!("there is no permission `{slug}`");
            self.report.error("unknown_permission", path, message).help =
                did_you_mean(slug, known.iter().map(String::as_str))
                    .or_else(|| Some("declare it with `rowgate authz apply`, or over the API".to_owned()));
            return false;
        };
        if roots.is_empty() || roots.iter().any(|root| self.types.above(root).contains(of)) {
            return true;
        }
        let listed: Vec<&str> = roots.iter().copied().collect();
        let message = format!(
            "`{slug}` is a permission of type `{of}`, which is neither `{}` nor above it",
            listed.join("`, `")
        );
        self.report.error("permission_of_other_type", path, message).help = Some(
            "guard with a permission of the row's own type, of its parent's, or of one above".to_owned(),
        );
        false
    }

    /// The resource types that decide about rows: the table's own, or those at the end of its chain of tables.
    fn roots(&self, table: &'a Table) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut open = vec![table];
        while let Some(table) = open.pop() {
            let name = table.resource_type.as_str();
            if !seen.insert(name) {
                continue;
            }
            if self.types.has(name) {
                found.insert(name);
                continue;
            }
            for parent in &table.parents {
                match self.own(&parent.resource_type) {
                    Some(own) => open.push(own),
                    None if self.types.has(&parent.resource_type) => {
                        found.insert(parent.resource_type.as_str());
                    }
                    // Reported with the parent.
                    None => {}
                }
            }
        }
        found
    }
}

const ORGANIZATION_HELP: &str =
    "name the column of the organization's id: `organization = \"organization_id\"`";

fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    !text.is_empty() && text.len() <= MAX_NAME_CHARS && text.chars().all(fits)
}
