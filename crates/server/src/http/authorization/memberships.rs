//! `/user_management/organization_memberships`

use axum::extract::State;
use rowgate_rbac::change::memberships;
use rowgate_rbac::input::{Fields, MAX_ROLES};
use rowgate_rbac::record::{Group, Membership, Organization, Status};
use rowgate_rbac::{Error, Reader};

use super::request::{Body, Params, Ready, Segments, page};
use super::{created, taken_along};
use crate::state::App;
use crate::wire;
use crate::wire::authorization::error::{Answer, Failure};
use crate::wire::authorization::{identity, list};

pub(crate) async fn list(State(app): State<App>, ready: Ready, params: Params) -> Answer {
    let page = page(&params)?;
    let statuses = match params.get("statuses") {
        None => vec![Status::Active],
        Some(words) => words
            .split(',')
            .map(|word| {
                let status = Status::parse(word);
                status.ok_or_else(|| Error::field("statuses", "invalid", format!("`{word}` is not a status")))
            })
            .collect::<Result<_, _>>()?,
    };
    let (user, organization) = (params.get("user_id"), params.get("organization_id"));
    let (user, organization) = (user.map(str::to_owned), organization.map(str::to_owned));
    if user.is_none() && organization.is_none() {
        let message = "give user_id, organization_id or both";
        return Err(Error::bad("missing_user_id_or_organization_id", message).into());
    }
    let published = ready.read();
    app.long(move || {
        let read = Reader::new(&published.graph);
        let organization = organization.map(|id| read.organization(&id)).transpose()?;
        let user = user.map(|id| read.user(&id)).transpose()?;
        let found: Box<dyn Iterator<Item = Membership<'_>>> = match (user, organization) {
            (Some(user), organization) => Box::new(user.memberships().filter(move |one| {
                let is_there =
                    |wanted: Organization<'_>| one.organization().is_ok_and(|of| of.id() == wanted.id());
                organization.is_none_or(is_there)
            })),
            (None, Some(organization)) => Box::new(organization.memberships()),
            (None, None) => Box::new(std::iter::empty()),
        };
        let counted = found.filter(|one| statuses.contains(&one.status()));
        let listed = page.of(counted.map(|one| (one.key().at(), one)), |one| one.key());
        let cursor = |one: &Membership<'_>| one.key().id("om");
        Ok::<_, Failure>(wire::json(&list::page(&listed, identity::membership, cursor)))
    })
    .await?
}

/// `role_slug` or `role_slugs`.
fn roles(body: &mut Fields) -> Option<Vec<String>> {
    let (one, several) = (body.text("role_slug"), body.few_texts("role_slugs", MAX_ROLES));
    match (one, several) {
        (Some(_), Some(_)) => {
            body.wrong(
                "role_slug",
                "mutually_exclusive",
                "give role_slug or role_slugs, not both",
            );
            None
        }
        (Some(slug), None) => Some(vec![slug]),
        (None, Some(slugs)) if slugs.is_empty() => {
            body.wrong("role_slugs", "invalid", "every membership has at least one role");
            None
        }
        (None, several) => several,
    }
}

pub(crate) async fn create(ready: Ready, Body(mut body): Body) -> Answer {
    let (user, organization) = (body.required("user_id"), body.required("organization_id"));
    let roles = roles(&mut body);
    body.check()?;
    let id = ready
        .change(move |draft| memberships::create(draft, &user, &organization, roles.as_deref(), None))
        .await?;
    created(ready.show(|read| Ok(identity::membership(&read.membership(&id)?)))?)
}

pub(crate) async fn get(ready: Ready, Segments(id): Segments<String>) -> Answer {
    let found = ready.show(|read| Ok(identity::membership(&read.membership(&id)?)))?;
    Ok(wire::json(&found))
}

pub(crate) async fn update(ready: Ready, Segments(id): Segments<String>, Body(mut body): Body) -> Answer {
    ready.show(|read| read.membership(&id).map(|_| ()))?;
    let roles = roles(&mut body);
    body.check()?;
    let of = id.clone();
    ready
        .change(move |draft| memberships::update(draft, &of, roles.as_deref()))
        .await?;
    get(ready, Segments(id)).await
}

pub(crate) async fn delete(ready: Ready, Segments(id): Segments<String>) -> Answer {
    let removed = ready
        .change(move |draft| {
            memberships::delete(draft, &id)?;
            Ok(draft.removed())
        })
        .await?;
    Ok(taken_along(wire::empty(), &removed))
}

async fn change_status(ready: Ready, id: String, active: bool) -> Answer {
    let of = id.clone();
    ready
        .change(move |draft| memberships::change_status(draft, &of, active))
        .await?;
    get(ready, Segments(id)).await
}

pub(crate) async fn deactivate(ready: Ready, Segments(id): Segments<String>) -> Answer {
    change_status(ready, id, false).await
}

pub(crate) async fn reactivate(ready: Ready, Segments(id): Segments<String>) -> Answer {
    change_status(ready, id, true).await
}

pub(crate) async fn groups(ready: Ready, Segments(id): Segments<String>, params: Params) -> Answer {
    let page = page(&params)?;
    let published = ready.read();
    let groups = Reader::new(&published.graph).membership(&id)?.groups();
    let listed = page.of(groups.map(|one| (one.key().at(), one)), |one| one.key());
    let cursor = |one: &Group<'_>| one.key().id("group");
    Ok(wire::json(&list::page(&listed, identity::group, cursor)))
}
