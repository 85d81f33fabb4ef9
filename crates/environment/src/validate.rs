//! What may be written: the rules of the wire format, against the state that the write will change.

use std::collections::HashSet;

use rowgate_engine::names::{MAX_ID, MAX_NAME, is_id, is_name};
use rowgate_graph::Graph;
use rowgate_policy::Policy;
use rowgate_schema::{GroupEdge, Model};

use crate::write::{MAX_META, Op, Warrant};
use crate::{Error, Result};

fn name(parameter: &str, text: &str) -> Result<()> {
    if text.is_empty() {
        return Err(Error::Missing {
            parameter: parameter.into(),
        });
    }
    if !is_name(text) {
        let message =
            format!("can only contain letters, digits, '-' and '_', and at most {MAX_NAME} of them");
        return Err(Error::invalid(parameter, message));
    }
    Ok(())
}

fn id(parameter: &str, text: &str) -> Result<()> {
    if text.is_empty() {
        return Err(Error::Missing {
            parameter: parameter.into(),
        });
    }
    if !is_id(text) {
        let what = "can only contain letters, digits and - _ . @ | : + / = ~ %";
        return Err(Error::invalid(
            parameter,
            format!("{what}, and at most {MAX_ID} of them"),
        ));
    }
    Ok(())
}

/// A resource's type and id.
pub(crate) fn resource(resource_type: &str, resource_id: &str) -> Result<()> {
    name("resource_type", resource_type)?;
    id("resource_id", resource_id)
}

/// A resource's metadata.
pub(crate) fn meta(meta: &serde_json::Map<String, serde_json::Value>) -> Result<String> {
    let text = serde_json::Value::Object(meta.clone()).to_string();
    if text.len() > MAX_META {
        let message = format!(
            "the metadata is {} bytes of JSON; at most {MAX_META} are allowed",
            text.len()
        );
        return Err(Error::invalid("meta", message));
    }
    Ok(text)
}

/// The form of a warrant, which does not depend on the schema.
pub(crate) fn form(warrant: &Warrant) -> Result<()> {
    if warrant.resource_id == "*" {
        let message =
            "a warrant is on one resource; `*` stands for all subjects of a type and not for resources";
        return Err(Error::invalid("resource_id", message));
    }
    resource(&warrant.resource_type, &warrant.resource_id)?;
    name("relation", &warrant.relation)?;
    name("subject.resource_type", &warrant.subject_type)?;
    if warrant.subject_id == "*" {
        if warrant.subject_relation.is_some() {
            let message = "a wildcard subject cannot have a relation";
            return Err(Error::invalid("subject.relation", message));
        }
    } else {
        id("subject.resource_id", &warrant.subject_id)?;
    }
    match &warrant.subject_relation {
        Some(relation) => name("subject.relation", relation),
        None => Ok(()),
    }
}

/// Whether a warrant may be created. Deleting is always allowed, so that leftovers can be cleaned up.
pub(crate) fn create(warrant: &Warrant, model: &Model, graph: &Graph) -> Result<()> {
    allowed(warrant, model)?;
    sound(warrant, model, graph)
}

/// Whether the schema allows it.
pub(crate) fn allowed(warrant: &Warrant, model: &Model) -> Result<()> {
    let Warrant {
        resource_type,
        relation,
        subject_type,
        subject_id,
        subject_relation,
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
    let wildcard = subject_id == "*";
    if !model.accepts(
        resource_type,
        relation,
        subject_type,
        subject_relation.as_deref(),
        wildcard,
    ) {
        return Err(Error::invalid("subject", refusal(warrant, model)));
    }
    Ok(())
}

/// Whether it can be evaluated: its policy compiles, and its group does not negate itself.
pub(crate) fn sound(warrant: &Warrant, model: &Model, graph: &Graph) -> Result<()> {
    if let Some(policy) = &warrant.policy {
        Policy::compile_warrant(policy)
            .map_err(|error| Error::invalid("policy", refused_policy(policy, &error)))?;
    }
    no_paradox(warrant, model, graph)
}

/// The text and the place in it, unless the text is too long to send back.
fn refused_policy(policy: &str, error: &rowgate_policy::PolicyError) -> String {
    const SHOWN: usize = 2_000;
    if policy.len() > SHOWN {
        return format!("error validating a policy of {} bytes: {error}", policy.len());
    }
    format!(
        "error validating policy '{policy}': {error}\n{}",
        error.snippet(policy)
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

/// A group warrant must not make a relation depend on itself through `none_of`.
fn no_paradox(warrant: &Warrant, model: &Model, graph: &Graph) -> Result<()> {
    let Some(subject_relation) = &warrant.subject_relation else {
        return Ok(());
    };
    let added = (
        (warrant.resource_type.as_str(), warrant.relation.as_str()),
        (warrant.subject_type.as_str(), subject_relation.as_str()),
    );
    match cycle(model, graph, [added]) {
        None => Ok(()),
        Some(cycle) => {
            let message =
                format!("this group would make a relation depend on itself through none_of: {cycle}");
            Err(Error::invalid("subject.relation", message))
        }
    }
}

/// Group warrants that are created together must not make a relation depend on itself either, though each alone may not.
pub(crate) fn no_paradox_among<'a>(
    created: impl Iterator<Item = &'a Warrant>,
    model: &Model,
    graph: &Graph,
) -> Result<()> {
    let groups: HashSet<GroupEdge<'a>> = created
        .filter_map(|warrant| {
            let subject_relation = warrant.subject_relation.as_deref()?;
            Some((
                (warrant.resource_type.as_str(), warrant.relation.as_str()),
                (warrant.subject_type.as_str(), subject_relation),
            ))
        })
        .collect();
    if groups.len() < 2 {
        return Ok(());
    }
    match cycle(model, graph, groups) {
        None => Ok(()),
        Some(cycle) => {
            let message =
                format!("these groups would make a relation depend on itself through none_of: {cycle}");
            Err(Error::invalid("subject.relation", message))
        }
    }
}

/// The cycle through `none_of` that the stored group warrants (and more) close under a schema, if they close one.
pub(crate) fn cycle<'a>(
    model: &Model,
    graph: &'a Graph,
    more: impl IntoIterator<Item = GroupEdge<'a>>,
) -> Option<String> {
    let state = graph.state();
    let stored = state.group_kinds().map(|kind| {
        let resource = (state.name(kind.resource_type), state.name(kind.relation));
        (
            resource,
            (state.name(kind.subject_type), state.name(kind.subject_relation)),
        )
    });
    let cycle = model.negative_cycle_with(&mut stored.chain(more))?;
    Some(cycle.join(" -> "))
}

/// Everything of a batch of warrants that can be told before it is queued.
pub(crate) fn batch(warrants: &[(Op, Warrant)]) -> Result<()> {
    warrants.iter().try_for_each(|(_, warrant)| form(warrant))
}
