//! The promises about each kind of thing.

use std::collections::{BTreeMap, BTreeSet};

use rowgate_graph::Edge;

use super::refused;
use super::sound::{Whole, of_resource, wrong};
use crate::change::assignments::holding;
use crate::names::{self, relation};
use crate::read::{EMAIL, ORGANIZATION_NAME, RESOURCE, USER_NAME, name_id};
use crate::record::{Group, Membership, Organization, Record, Resource, Role, Status, User};
use crate::{Result, grant};

pub(super) fn check(whole: &Whole<'_>) -> Result<()> {
    for kind in [names::TYPE, names::PERMISSION, names::USER] {
        for record in whole.read.of_type(kind) {
            whole.only(&record, &[relation::ENVIRONMENT])?;
            whole.listed(&record)?;
        }
    }
    for record in whole.read.of_type(names::ORGANIZATION_TYPE) {
        whole.only(&record, &[relation::ENVIRONMENT, relation::GRANT])?;
        whole.listed(&record)?;
    }
    memberships(whole)?;
    for record in whole.read.of_type(names::GROUP) {
        group(whole, &Group(record))?;
    }
    for record in whole.read.of_type(names::ROLE) {
        role(whole, &Role(record))?;
    }
    for (slug, _) in whole.hierarchy.types() {
        for record in whole.read.of_type(&names::type_name(slug)) {
            resource(whole, &Resource(record))?;
        }
    }
    for record in whole.read.of_type(names::GRANT) {
        grant(whole, &record)?;
    }
    other_names(whole)?;
    nothing_else(whole)
}

/// What is on a resource of no type, or of one that is declared later, would be access that nobody has granted.
fn nothing_else(whole: &Whole<'_>) -> Result<()> {
    let graph = whole.read.graph;
    let types = whole.hierarchy.types().map(|(slug, _)| names::type_name(slug));
    let kinds = [
        names::TYPE,
        names::PERMISSION,
        names::USER,
        names::ORGANIZATION_TYPE,
        names::MEMBERSHIP,
        names::GROUP,
        names::ROLE,
        names::GRANT,
        names::NAME,
    ];
    let known: BTreeSet<String> = kinds.iter().map(|kind| (*kind).to_owned()).chain(types).collect();
    let mut stored = whole.read.reserved_warrants();
    let unknown = stored.find(|warrant| !known.contains(graph.name(graph.type_of(warrant.resource))));
    match unknown {
        None => Ok(()),
        Some(warrant) => {
            let (resource_type, id) = (
                graph.name(graph.type_of(warrant.resource)),
                graph.id_of(warrant.resource),
            );
            Err(refused(format!(
                "there is a warrant on `{resource_type}:{id}`, which is of no type that exists"
            )))
        }
    }
}

fn memberships(whole: &Whole<'_>) -> Result<()> {
    let mut seen = BTreeSet::new();
    for record in whole.read.of_type(names::MEMBERSHIP) {
        whole.only(&record, &[relation::ORGANIZATION, relation::USER])?;
        let organization = whole.one(&record, relation::ORGANIZATION)?;
        let user = whole.one(&record, relation::USER)?;
        if !seen.insert((organization.object(), user.object())) {
            return Err(wrong(&record, "is a second one of its user"));
        }
        // One that is spelt otherwise could be taken for active by whoever looks for `inactive`.
        if Status::read(record.meta("status")).is_none() {
            return Err(wrong(
                &record,
                "has a status that is none: it is `active`, `inactive` or `pending`",
            ));
        }
    }
    Ok(())
}

fn group<'a>(whole: &Whole<'a>, group: &Group<'a>) -> Result<()> {
    whole.only(
        group,
        &[relation::ORGANIZATION, relation::MEMBER, relation::PARKED],
    )?;
    let organization = Organization(whole.one(group, relation::ORGANIZATION)?);
    for name in [relation::MEMBER, relation::PARKED] {
        for edge in whole
            .read
            .graph
            .subjects(group.object())
            .of(whole.read.symbol(name))
        {
            if edge.policy().is_none() {
                member(whole, group, edge, name, &organization)?;
            } else {
                return Err(wrong(group, "has a member under a condition"));
            }
        }
    }
    Ok(())
}

/// Who is in something is of its organization, and is active or parked as the membership is.
fn member<'a>(
    whole: &Whole<'a>,
    of: &Record<'a>,
    edge: &Edge,
    name: &str,
    organization: &Organization<'a>,
) -> Result<()> {
    let found = whole.read.record(edge.other()).map(Membership);
    let fits = found.is_some_and(|membership| {
        edge.second().is_none()
            && membership.type_name() == names::MEMBERSHIP
            && holding(membership.status()) == name
            && membership
                .organization()
                .is_ok_and(|own| own.object() == organization.object())
    });
    if fits {
        return Ok(());
    }
    let who = whole.read.graph.id_of(edge.other());
    Err(wrong(of, &format!("cannot have `{who}` as a {name}")))
}

fn role<'a>(whole: &Whole<'a>, role: &Role<'a>) -> Result<()> {
    if !whole.hierarchy.has(role.resource_type()) {
        return Err(wrong(role, "is on a type that does not exist"));
    }
    let belongs = if role.is_custom() {
        let organization = whole.one(role, relation::ORGANIZATION)?;
        if organization.object() != whole.within(role)?.object() {
            return Err(wrong(role, "belongs to another organization than its id says"));
        }
        relation::ORGANIZATION
    } else {
        whole.listed(role)?;
        relation::ENVIRONMENT
    };
    let everybody = whole.read.graph.wildcard(whole.read.symbol(names::MEMBERSHIP));
    for edge in whole.read.graph.subjects(role.object()).all() {
        let name = whole.read.graph.name(edge.first());
        let to_all = edge.other() == everybody && edge.second().is_none() && edge.policy().is_none();
        if name != belongs && !(to_all && whole.carries(role, edge.first()).is_some()) {
            return Err(wrong(role, &format!("cannot have such a `{name}`")));
        }
    }
    Ok(())
}

fn resource<'a>(whole: &Whole<'a>, resource: &Resource<'a>) -> Result<()> {
    whole.only(resource, &[relation::PARENT, relation::GRANT])?;
    let organization = whole.within(resource)?;
    let parent = Resource(whole.one(resource, relation::PARENT)?);
    let allowed = whole.hierarchy.parents(resource.resource_type());
    if !allowed.iter().any(|slug| slug == parent.resource_type()) {
        return Err(wrong(
            resource,
            "is under a resource of another type than it may be",
        ));
    }
    if of_resource(&parent) != organization.id() {
        return Err(wrong(resource, "is under a resource of another organization"));
    }
    if names::id_within(organization.id(), &resource.external_id()) != resource.id() {
        return Err(wrong(resource, "is not called what its id says"));
    }
    Ok(())
}

fn grant<'a>(whole: &Whole<'a>, record: &Record<'a>) -> Result<()> {
    whole.only(record, &[relation::ROLE, relation::MEMBER, relation::PARKED])?;
    let role = Role(whole.one(record, relation::ROLE)?);
    let mut places = whole.read.graph.resources(record.object()).all();
    let (place, second) = (places.next(), places.next());
    let place = place.filter(|edge| edge.first().is_none() && edge.policy().is_none());
    let resource = place
        .and_then(|edge| whole.read.record(edge.other()))
        .map(Resource);
    let (Some(resource), None) = (resource, second) else {
        return Err(wrong(record, "is not on exactly one resource"));
    };
    let is_it = grant::of(&role, &resource).is_some_and(|own| own.object() == record.object());
    if !is_it || role.resource_type() != resource.resource_type() {
        return Err(wrong(record, "is not the grant of its role on its resource"));
    }
    let organization = whole.read.organization(of_resource(&resource))?;
    if names::split_id(role.id()).is_some_and(|(own, _)| own != organization.id()) {
        return Err(wrong(record, "is a role of another organization"));
    }
    let mut holders = 0;
    for name in [relation::MEMBER, relation::PARKED] {
        for edge in whole
            .read
            .graph
            .subjects(record.object())
            .of(whole.read.symbol(name))
        {
            if edge.second().is_none() {
                member(whole, record, edge, name, &organization)?;
            } else {
                held_by_group(whole, record, edge, name, &organization)?;
            }
            holders += 1;
        }
    }
    if holders == 0 {
        return Err(wrong(record, "is held by nobody"));
    }
    Ok(())
}

fn held_by_group<'a>(
    whole: &Whole<'a>,
    of: &Record<'a>,
    edge: &Edge,
    name: &str,
    organization: &Organization<'a>,
) -> Result<()> {
    let found = whole.read.record(edge.other()).map(Group);
    let fits = found.is_some_and(|group| {
        name == relation::MEMBER
            && group.type_name() == names::GROUP
            && whole.read.graph.name(edge.second()) == relation::MEMBER
            && edge.policy().is_none()
            && group
                .organization()
                .is_ok_and(|own| own.object() == organization.object())
    });
    if fits {
        return Ok(());
    }
    Err(wrong(of, "cannot have such a group"))
}

/// Other names are exactly those of what there is.
fn other_names(whole: &Whole<'_>) -> Result<()> {
    let read = whole.read;
    let mut expected = BTreeMap::new();
    let mut expect = |kind: &str, name: &str, of: Record<'_>| {
        let before = expected.insert(name_id(kind, name), of.object());
        before.map_or(Ok(()), |_| {
            Err(wrong(
                &of,
                &format!("is not the only one that is called `{name}`"),
            ))
        })
    };
    for organization in read.organizations() {
        if let Some(name) = organization.external_id() {
            expect(ORGANIZATION_NAME, name, organization.0)?;
        }
        expect(RESOURCE, &organization.root().wire_id(), organization.0)?;
    }
    for user in read.of_type(names::USER).map(User) {
        if !user.email().is_empty() {
            expect(EMAIL, &user.email().to_lowercase(), user.0)?;
        }
        if let Some(name) = user.external_id() {
            expect(USER_NAME, name, user.0)?;
        }
    }
    for (slug, _) in whole.hierarchy.types() {
        for resource in read.resources_of_type(slug) {
            expect(RESOURCE, &resource.wire_id(), resource.0)?;
        }
    }
    for record in read.of_type(names::NAME) {
        whole.only(&record, &[relation::NAMES])?;
        let of = whole.one(&record, relation::NAMES)?;
        if expected.remove(record.id()) != Some(of.object()) {
            return Err(wrong(&record, "is not the name of what it is for"));
        }
    }
    match expected.pop_first() {
        None => Ok(()),
        Some((name, _)) => Err(refused(format!("the name `{name}` is missing"))),
    }
}
