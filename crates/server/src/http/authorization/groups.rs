//! `/organizations/{org}/groups`

use axum::extract::State;
use rowgate_rbac::change::groups;
use rowgate_rbac::input::MAX_LONG_NAME;
use rowgate_rbac::record::{Group, Membership};
use rowgate_rbac::{Error, Reader};

use super::permissions::Described;
use super::request::{Body, Params, Ready, Segments, page};
use super::{created, gone, taken_along};
use crate::state::App;
use crate::wire;
use crate::wire::authorization::error::{Answer, Failure};
use crate::wire::authorization::{identity, list};

/// Most members of one request.
const MAX_MEMBERS: usize = 100;

type Named = (String, String);

pub(crate) async fn list(ready: Ready, Segments(organization): Segments<String>, params: Params) -> Answer {
    let page = page(&params)?;
    let published = ready.read();
    let search = params.get("search").map(str::to_lowercase);
    let all = Reader::new(&published.graph)
        .organization(&organization)?
        .groups();
    let found = all.filter(|group| {
        let search = search.as_deref();
        search.is_none_or(|text| group.name().to_lowercase().contains(text))
    });
    let listed = page.of(found.map(|one| (one.key().at(), one)), |one| one.key());
    let cursor = |one: &Group<'_>| one.key().id("group");
    Ok(wire::json(&list::page(&listed, identity::group, cursor)))
}

pub(crate) async fn create(
    ready: Ready,
    Segments(organization): Segments<String>,
    Body(mut body): Body,
) -> Answer {
    ready.show(|read| read.organization(&organization).map(|_| ()))?;
    let (name, description) = (body.name(MAX_LONG_NAME), body.description().flatten());
    body.check()?;
    let of = organization.clone();
    let id = ready
        .change(move |draft| groups::create(draft, &of, &name, description.as_deref()))
        .await?;
    created(ready.show(|read| Ok(identity::group(&read.group(&id)?)))?)
}

fn show(ready: &Ready, (organization, id): &Named) -> Answer {
    let found = ready.show(|read| {
        let organization = read.organization(organization)?;
        Ok(identity::group(&read.group_of(&organization, id)?))
    })?;
    Ok(wire::json(&found))
}

pub(crate) async fn get(ready: Ready, Segments(named): Segments<Named>) -> Answer {
    show(&ready, &named)
}

pub(crate) async fn update(ready: Ready, Segments(named): Segments<Named>, Body(mut body): Body) -> Answer {
    show(&ready, &named)?;
    let said = Described::read(&mut body, MAX_LONG_NAME)?;
    let (organization, id) = named.clone();
    ready
        .change(move |draft| {
            groups::update(
                draft,
                &organization,
                &id,
                said.name.as_deref(),
                said.description.as_ref(),
            )
        })
        .await?;
    show(&ready, &named)
}

pub(crate) async fn delete(ready: Ready, Segments((organization, id)): Segments<Named>) -> Answer {
    let removed = ready
        .change(move |draft| {
            groups::delete(draft, &organization, &id)?;
            Ok(draft.removed())
        })
        .await?;
    Ok(taken_along(gone(), &removed))
}

pub(crate) async fn members(
    State(app): State<App>,
    ready: Ready,
    Segments((organization, id)): Segments<Named>,
    params: Params,
) -> Answer {
    let page = page(&params)?;
    let published = ready.read();
    app.long(move || {
        let read = Reader::new(&published.graph);
        let group = read.group_of(&read.organization(&organization)?, &id)?;
        let members = group
            .members()
            .map(|(membership, _)| (membership.key().at(), membership));
        let listed = page.of(members, |one| one.key());
        let cursor = |one: &Membership<'_>| one.key().id("om");
        Ok::<_, Failure>(wire::json(&list::page(&listed, identity::base, cursor)))
    })
    .await?
}

async fn change_members(ready: &Ready, named: &Named, add: Vec<String>, remove: Vec<String>) -> Answer<()> {
    if add.len() + remove.len() > MAX_MEMBERS {
        let message = format!("at most {MAX_MEMBERS} memberships can be added and removed at once");
        return Err(Error::field("add", "too_many", message).into());
    }
    let (organization, id) = named.clone();
    ready
        .change(move |draft| groups::patch_members(draft, &organization, &id, &add, &remove))
        .await
}

pub(crate) async fn add(ready: Ready, Segments(named): Segments<Named>, Body(mut body): Body) -> Answer {
    show(&ready, &named)?;
    let membership = body.required("organization_membership_id");
    body.check()?;
    change_members(&ready, &named, vec![membership], vec![]).await?;
    show(&ready, &named)
}

pub(crate) async fn patch(ready: Ready, Segments(named): Segments<Named>, Body(mut body): Body) -> Answer {
    show(&ready, &named)?;
    let (add, remove) = (body.texts("add"), body.texts("remove"));
    if add.is_none() && remove.is_none() {
        body.wrong("add", "required", "give add, remove or both");
    }
    body.check()?;
    change_members(
        &ready,
        &named,
        add.unwrap_or_default(),
        remove.unwrap_or_default(),
    )
    .await?;
    show(&ready, &named)
}

pub(crate) async fn remove(
    ready: Ready,
    Segments((organization, group, om)): Segments<(String, String, String)>,
) -> Answer {
    ready
        .change(move |draft| groups::remove_member(draft, &organization, &group, &om))
        .await?;
    Ok(gone())
}
