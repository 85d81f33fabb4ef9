//! Role assignments of memberships, from either end.

use axum::extract::State;
use rowgate_rbac::change::assignments::{self, Placed};
use rowgate_rbac::condition::Condition;
use rowgate_rbac::input::Fields;
use rowgate_rbac::{Assignment, Error, Reader, Target};

use super::request::{Body, Params, Ready, Segments, page};
use super::resources::Named;
use super::rows;
use super::{created, gone};
use crate::state::App;
use crate::wire;
use crate::wire::authorization as out;
use crate::wire::authorization::error::{Answer, Failure};
use crate::wire::authorization::list;

/// The role and the resource that a body names.
fn placed(fields: &mut Fields) -> Answer<Placed> {
    let placed = Placed {
        role: fields.required("role_slug"),
        target: fields.target(),
    };
    fields.check()?;
    Ok(placed)
}

pub(crate) async fn assign(ready: Ready, Segments(om): Segments<String>, Body(mut fields): Body) -> Answer {
    ready.show(|read| read.membership(&om).map(|_| ()))?;
    let (expires_at, condition) = (fields.text("expires_at"), fields.text("condition"));
    let placed = placed(&mut fields)?;
    let condition = Condition {
        expires_at: expires_at.as_deref(),
        policy: condition.as_deref(),
    };
    let policy = condition.write()?;
    rows::refuse_target(&ready.read(), placed.target.as_ref(), rows::ASSIGN_ABOVE)?;
    let (id, wanted) = (om.clone(), placed.clone());
    ready
        .change(move |draft| assignments::assign(draft, &id, &wanted, policy.as_deref()))
        .await?;
    created(ready.show(|read| {
        let found = assignments::find_direct(read, &om, &placed)?;
        Ok(out::assignment(&found))
    })?)
}

pub(crate) async fn unassign(ready: Ready, Segments(om): Segments<String>, Body(mut fields): Body) -> Answer {
    ready.show(|read| read.membership(&om).map(|_| ()))?;
    let placed = placed(&mut fields)?;
    rows::refuse_target(&ready.read(), placed.target.as_ref(), rows::ASSIGN_ABOVE)?;
    ready
        .change(move |draft| assignments::unassign(draft, &om, &placed))
        .await?;
    Ok(gone())
}

pub(crate) async fn unassign_by_id(ready: Ready, Segments((om, id)): Segments<(String, String)>) -> Answer {
    ready
        .change(move |draft| assignments::unassign_by_id(draft, &om, &id))
        .await?;
    Ok(gone())
}

pub(crate) async fn list(ready: Ready, Segments(om): Segments<String>, params: Params) -> Answer {
    let page = page(&params)?;
    let published = ready.read();
    let read = Reader::new(&published.graph);
    let membership = read.membership(&om)?;
    let mut all = membership.assignments();
    match (
        params.get("resource_id"),
        params.get("resource_external_id"),
        params.get("resource_type_slug"),
    ) {
        (None, None, None) => {}
        (None, None, Some(slug)) => all.retain(|one| one.resource.resource_type() == slug),
        (Some(id), None, None) => {
            let resource = read.target(&membership.organization()?, &Target::Id(id.to_owned()))?;
            all.retain(|one| one.resource.id() == resource.id());
        }
        (None, Some(external_id), Some(slug)) => {
            rows::refuse(&published, slug, rows::ASSIGN_ABOVE)?;
            let organization = membership.organization()?;
            let resource = read.resource_by_external_id(&organization, slug, external_id)?;
            all.retain(|one| one.resource.id() == resource.id() && one.resource.resource_type() == slug);
        }
        _ => {
            let message =
                "give resource_id, or resource_external_id with resource_type_slug, or resource_type_slug";
            return Err(Error::field("resource_id", "mutually_exclusive", message).into());
        }
    }
    if let Some(slug) = params.get("role_slug") {
        all.retain(|one| one.role.slug() == slug);
    }
    let listed = page.of(all.into_iter().map(|one| (one.created_at, one)), Assignment::key);
    Ok(wire::json(&list::page(
        &listed,
        out::assignment,
        Assignment::wire_id,
    )))
}

pub(crate) async fn of_resource(
    State(app): State<App>,
    ready: Ready,
    Segments(id): Segments<String>,
    params: Params,
) -> Answer {
    of(app, ready, Named::id(id), params).await
}

pub(crate) async fn of_named(
    State(app): State<App>,
    ready: Ready,
    Segments(names): Segments<(String, String, String)>,
    params: Params,
) -> Answer {
    of(app, ready, Named::external(names), params).await
}

async fn of(app: App, ready: Ready, named: Named, params: Params) -> Answer {
    let page = page(&params)?;
    named.no_row(&ready, rows::ASSIGN_ABOVE)?;
    let published = ready.read();
    // An organization can have as many as it has members.
    app.long(move || {
        let resource = named.read(Reader::new(&published.graph))?;
        let all = resource.assignments(params.get("role_slug"));
        let listed = page.of(all.map(|one| (one.created_at, one)), Assignment::key);
        Ok::<_, Failure>(wire::json(&list::page(
            &listed,
            out::assignment,
            Assignment::wire_id,
        )))
    })
    .await?
}
