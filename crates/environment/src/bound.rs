//! Bindings in force: relations that are columns of tables, what that forbids to write, and that their rows have to be read.

use std::collections::BTreeMap;
use std::sync::Arc;

use rowgate_binding::{Bindings, Dependency, Resolved, Source, Table, authz};
use rowgate_engine::rows::Rows;
use rowgate_graph::Snapshot;
use rowgate_schema::{Diagnostic, Model};

use crate::write::Warrant;
use crate::{Error, Result, validate};

/// The bindings of an environment, checked against its schema.
#[derive(Debug)]
pub struct Bound {
    /// The bindings.
    pub bindings: Resolved,
    /// The bound types in the graph's numbers, and no row read.
    pub unread: Rows,
    /// By type: the names of the attributes that its rows have.
    attributes: BTreeMap<String, Arc<[String]>>,
}

impl Bound {
    /// Reads a stored binding document.
    pub(crate) fn read(json: &str, model: &Model, graph: &Snapshot) -> Result<Self> {
        let value = serde_json::from_str(json)
            .map_err(|error| rowgate_graph::GraphError::Malformed(format!("the stored bindings: {error}")))?;
        let bindings = Bindings::from_json(&value).map_err(mismatch)?;
        Self::new(&bindings, model, graph)
    }

    /// Checks bindings against a schema.
    pub(crate) fn new(bindings: &Bindings, model: &Model, graph: &Snapshot) -> Result<Self> {
        Ok(Self::of(bindings.resolve(model).map_err(mismatch)?, graph))
    }

    fn of(bindings: Resolved, graph: &Snapshot) -> Self {
        let types = bindings.tables().iter().map(|table| table.resource_type.as_str());
        let unread = Rows::unread(graph, types).held_in(graph, places(&bindings));
        let tables = bindings.tables().iter();
        let names = tables.map(|table| {
            let names = table.attributes.keys().cloned().collect();
            (table.resource_type.clone(), names)
        });
        Self {
            unread,
            attributes: names.collect(),
            bindings,
        }
    }

    /// The names of the attributes of a type, none where it is not bound.
    pub(crate) fn attributes_of(&self, resource_type: &str) -> Arc<[String]> {
        self.attributes.get(resource_type).cloned().unwrap_or_default()
    }

    /// Whether a warrant may be stored: not where a column says who has the relation, and where the database answers, not with a policy, which
    /// it cannot evaluate, and not as a leftover of an older schema, which it does not look for.
    pub(crate) fn may_create(&self, warrant: &Warrant) -> Result<()> {
        let Warrant {
            resource_type,
            relation,
            ..
        } = warrant;
        let source = self.bindings.sources(resource_type, relation).first();
        if let Some((table, source)) = self.bindings.table_of_type(resource_type).zip(source) {
            let message = format!(
                "`{resource_type}#{relation}` is bound to {}: change the row instead of writing a warrant",
                place(table, source)
            );
            return Err(Error::invalid("relation", message));
        }
        if authz::is_reserved(resource_type)
            && let Some(table) = self.bindings.table_of_type(resource_type)
        {
            let message = format!(
                "the resources of this type are the rows of table `{}`, on which no role can be assigned; assign it on what the row is under",
                table.name
            );
            return Err(Error::invalid("resource_id", message));
        }
        let guarded = self.bindings.dependencies();
        let Some(guard) = guarded
            .iter()
            .find(|guard| guard.contains(resource_type, relation))
        else {
            return Ok(());
        };
        let ends = |policy: &String| resource_type == authz::GRANT && authz::is_until(policy);
        if warrant.policy.as_ref().is_some_and(|policy| !ends(policy)) {
            if resource_type == authz::GRANT {
                return Err(conditional(guard));
            }
            let message = format!(
                "`{}#{}` on table `{}` depends on `{resource_type}#{relation}` and is enforced by row-level security, which cannot evaluate the policy of a warrant; \
                 write the warrant without a policy, or put the condition into the schema",
                guard.resource_type, guard.relation, guard.table
            );
            return Err(Error::invalid("policy", message));
        }
        if !authz::is_reserved(resource_type) && !validate::accepts(warrant, self.bindings.model()) {
            let message = format!(
                "`{}#{}` on table `{}` depends on `{resource_type}#{relation}` and is enforced by row-level security, which does not look for subjects \
                 that the schema does not accept",
                guard.resource_type, guard.relation, guard.table
            );
            return Err(Error::invalid("subject", message));
        }
        Ok(())
    }

    /// The same bindings under a changed schema, which must not change what the database enforces.
    pub(crate) fn under(&self, model: &Model, graph: &Snapshot) -> Result<Self> {
        let refused = |message: String| Error::Refused {
            code: "rls_would_change",
            message,
        };
        let written = self.bindings.written();
        let bindings = written
            .resolve(model)
            .map_err(|found| refused(unfit(written, &found)))?;
        let next = Self::of(bindings, graph);
        for before in self.bindings.dependencies() {
            let same = |after: &&Dependency| {
                after.table == before.table
                    && after.relation == before.relation
                    && after.fingerprint == before.fingerprint
            };
            if !next.bindings.dependencies().iter().any(|after| same(&after)) {
                return Err(refused(changed(before)));
            }
        }
        Ok(next)
    }
}

/// Where the edges of a relation are, for people.
fn place(table: &Table, source: &Source) -> String {
    let holder = source.join.as_ref().map_or(&table.name, |join| &join.name);
    format!("column `{}` of table `{holder}`", source.columns.join(", "))
}

/// All relations that rows hold, as (type, relation, place).
fn places(bindings: &Resolved) -> impl Iterator<Item = (&str, &str, String)> {
    bindings.tables().iter().flat_map(|table| {
        table.relations.iter().map(|(relation, sources)| {
            let places: Vec<String> = sources.iter().map(|source| place(table, source)).collect();
            (
                table.resource_type.as_str(),
                relation.as_str(),
                places.join(" or "),
            )
        })
    })
}

/// Why a role cannot be assigned on a condition.
fn conditional(guard: &Dependency) -> Error {
    let message = format!(
        "row-level security guards table `{}` by permissions and cannot evaluate the condition of an assignment; \
         assign the role without one, or until some time with `expires_at` alone",
        guard.table
    );
    Error::invalid("condition", message)
}

/// What a schema would change of what the database enforces.
fn changed(before: &Dependency) -> String {
    let table = &before.table;
    match authz::permission_slug(&before.relation).filter(|_| before.contains(authz::GRANT, &before.relation))
    {
        Some(permission) => format!(
            "row-level security of table `{table}` enforces the permission `{permission}`, which this changes for it; {WITHOUT}"
        ),
        None => format!(
            "row-level security of table `{table}` enforces `{}#{}`, which this schema changes; {TOGETHER}",
            before.resource_type, before.relation
        ),
    }
}

/// Why bindings in force do not fit a schema, with the table.
fn unfit(written: &Bindings, found: &[Diagnostic]) -> String {
    let first = found.first();
    let path = first.and_then(|first| first.path.as_deref()).unwrap_or_default();
    let index = path.strip_prefix("table[").and_then(|rest| rest.split_once(']'));
    let table = index.and_then(|(index, _)| written.tables.get(index.parse::<usize>().ok()?));
    let messages: Vec<&str> = found
        .iter()
        .map(|diagnostic| diagnostic.message.as_str())
        .collect();
    let messages = messages.join("; ");
    match table {
        Some(table) if !table.parents.is_empty() => {
            format!(
                "the bindings of table `{}` are in force and do not fit this: {messages}; {WITHOUT}",
                table.name
            )
        }
        Some(table) => {
            format!(
                "the bindings of table `{}` are in force and do not fit this schema: {messages}; {TOGETHER}",
                table.name
            )
        }
        None => format!("the bindings in force do not fit this schema: {messages}; {TOGETHER}"),
    }
}

const TOGETHER: &str = "apply schema and policies together with `rowgate rls apply --schema FILE`";
const WITHOUT: &str = "apply bindings without it with `rowgate rls apply` first, and put it back afterwards";

fn mismatch(found: Vec<Diagnostic>) -> Error {
    let messages: Vec<&str> = found
        .iter()
        .map(|diagnostic| diagnostic.message.as_str())
        .collect();
    Error::Refused {
        code: "bindings_mismatch",
        message: messages.join("; "),
    }
}
