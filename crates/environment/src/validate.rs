//! What may be written: the rules of the wire format that need the schema and what is stored.

use rowgate_graph::{Graph, GroupKind};
use rowgate_schema::{GroupEdge, Model};

use crate::write::Warrant;
use crate::{Error, Result};

/// Whether the schema allows a warrant.
pub(crate) fn allowed(warrant: &Warrant, model: &Model) -> Result<()> {
    let Warrant {
        resource_type,
        relation,
        ..
    } = warrant;
    if model.type_def(resource_type).is_none() {
        let message = format!("the resource type `{resource_type}` does not exist");
        return Err(Error::invalid("resource_type", message));
    }
    if model.relation(resource_type, relation).is_none() {
        let message = format!("the relation `{relation}` does not exist on resource type `{resource_type}`");
        return Err(Error::invalid("relation", message));
    }
    if !accepts(warrant, model) {
        return Err(Error::invalid("subject", refusal(warrant, model)));
    }
    Ok(())
}

/// Whether the brackets of a warrant's relation accept its subject.
pub(crate) fn accepts(warrant: &Warrant, model: &Model) -> bool {
    model.accepts(
        &warrant.resource_type,
        &warrant.relation,
        &warrant.subject_type,
        warrant.subject_relation.as_deref(),
        warrant.subject_id == "*",
    )
}

/// Why the brackets of a relation do not accept a subject.
fn refusal(warrant: &Warrant, model: &Model) -> String {
    let Warrant {
        resource_type,
        relation,
        subject_type,
        subject_relation,
        ..
    } = warrant;
    let subject = match subject_relation {
        Some(relation) => format!("{subject_type}#{relation}"),
        None => subject_type.clone(),
    };
    let allowed = model
        .relation(resource_type, relation)
        .and_then(|relation| relation.allowed.as_ref());
    let listed: Vec<String> = allowed
        .into_iter()
        .flatten()
        .map(|subject| match &subject.relation {
            Some(relation) => format!("{}#{}", subject.resource_type.text, relation.text),
            None => subject.resource_type.text.clone(),
        })
        .collect();
    if listed.is_empty() {
        format!("`{resource_type}#{relation}` is computed by its rule and takes no warrants")
    } else {
        let listed = listed.join(", ");
        format!("`{resource_type}#{relation}` does not accept `{subject}`; its schema allows [{listed}]")
    }
}

/// Whether a group warrant of this kind is stored: another one closes no cycle that is not refused already.
pub(crate) fn is_stored(
    ((resource_type, relation), (subject_type, subject_relation)): GroupEdge<'_>,
    graph: &Graph,
) -> bool {
    let state = graph.state();
    let symbols = || {
        Some(GroupKind {
            resource_type: state.symbol(resource_type)?,
            relation: state.symbol(relation)?,
            subject_type: state.symbol(subject_type)?,
            subject_relation: state.symbol(subject_relation)?,
        })
    };
    symbols().is_some_and(|kind| state.has_group_kind(kind))
}

/// Group warrants must not make a relation depend on itself through `none_of`.
pub(crate) fn no_paradox(groups: &[GroupEdge<'_>], model: &Model, graph: &Graph) -> Result<()> {
    let Some(cycle) = cycle(model, graph, groups) else {
        return Ok(());
    };
    let who = if groups.len() == 1 {
        "this group"
    } else {
        "these groups"
    };
    let message = format!("{who} would make a relation depend on itself through none_of: {cycle}");
    Err(Error::invalid("subject.relation", message))
}

/// The cycle through `none_of` that the stored group warrants (and more) close under a schema, if they close one.
pub(crate) fn cycle(model: &Model, graph: &Graph, more: &[GroupEdge<'_>]) -> Option<String> {
    let state = graph.state();
    let stored = state.group_kinds().map(|kind| {
        let resource = (state.name(kind.resource_type), state.name(kind.relation));
        (
            resource,
            (state.name(kind.subject_type), state.name(kind.subject_relation)),
        )
    });
    let cycle = model.negative_cycle_with(&mut stored.chain(more.iter().copied()))?;
    Some(cycle.join(" -> "))
}
