//! `/authorization` and what belongs to it: organizations, users, memberships and groups. One file for each kind of thing.
//!
//! * `request`: the environment made ready, bodies, pages, changes.
//! * `permissions`, `roles`, `resources`, `assignments`, `group_assignments`: what is granted.
//! * `rows`: resources that are rows of the application's tables; `discover`: those under a resource.
//! * `decisions`: checks and what follows from them.
//! * `organizations`, `users`, `memberships`, `groups`: to whom.
//! * `audit`: who granted and revoked what.
//! * `people`: organizations, users and memberships from a list.
//! * `own`: what else the API lacks, under `/rowgate/v1/authorization`.
//! * `behind`: what other servers have only just written.
//! * `idempotency`: a request that is sent again gets the answer that it got.

mod assignments;
mod audit;
mod behind;
mod decisions;
mod discover;
mod group_assignments;
mod groups;
mod idempotency;
mod memberships;
mod organizations;
mod own;
mod people;
mod permissions;
mod request;
mod resources;
mod roles;
mod rows;
mod users;

use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use rowgate_rbac::Removed;
use serde_json::Value;

use super::Routes;
use crate::wire;
use crate::wire::authorization::error::Answer;

pub(crate) use behind::look_again;
pub(crate) use idempotency::{Answers, replay};
pub(crate) use request::ask;

/// What a deletion took along.
const REMOVED: HeaderName = HeaderName::from_static("rowgate-removed");

/// What the client libraries call.
pub(super) fn routes() -> Routes {
    let routes = Routes::new()
        .at(
            "/authorization/permissions",
            get(permissions::list).post(permissions::create),
        )
        .at(
            "/authorization/permissions/{slug}",
            get(permissions::get)
                .patch(permissions::update)
                .delete(permissions::delete),
        )
        .at("/authorization/roles", get(roles::list).post(roles::create))
        .at(
            "/authorization/roles/{slug}",
            get(roles::get).patch(roles::update),
        )
        .at(
            "/authorization/roles/{slug}/permissions",
            put(roles::set_permissions).post(roles::add_permission),
        )
        .at("/organizations/{org}/roles", get(roles::list_of))
        .at(
            "/authorization/organizations/{org}/roles",
            get(roles::list_of).post(roles::create_of),
        )
        .at(
            "/authorization/organizations/{org}/roles/{slug}",
            get(roles::get_of)
                .patch(roles::update_of)
                .delete(roles::delete_of),
        )
        .at(
            "/authorization/organizations/{org}/roles/{slug}/permissions",
            put(roles::set_permissions_of).post(roles::add_permission_of),
        )
        .at(
            "/authorization/organizations/{org}/roles/{slug}/permissions/{permission}",
            delete(roles::remove_permission_of),
        );
    own(identity(decisions_and_grants(routes)))
}

fn decisions_and_grants(routes: Routes) -> Routes {
    routes
        .at(
            "/authorization/resources",
            get(resources::list).post(resources::create),
        )
        .at(
            "/authorization/resources/{id}",
            get(resources::get)
                .patch(resources::update)
                .delete(resources::delete),
        )
        .at(
            "/authorization/resources/{id}/organization_memberships",
            get(decisions::memberships),
        )
        .at(
            "/authorization/resources/{id}/role_assignments",
            get(assignments::of_resource),
        )
        .at(
            "/authorization/resources/{id}/organization_memberships/{om}/permissions",
            get(decisions::effective_by_resource),
        )
        .at(
            "/authorization/organizations/{org}/resources/{type}/{ext}",
            get(resources::get_named)
                .patch(resources::update_named)
                .delete(resources::delete_named),
        )
        .at(
            "/authorization/organizations/{org}/resources/{type}/{ext}/organization_memberships",
            get(decisions::memberships_named),
        )
        .at(
            "/authorization/organizations/{org}/resources/{type}/{ext}/role_assignments",
            get(assignments::of_named),
        )
        .at(
            "/authorization/organization_memberships/{om}/check",
            post(decisions::check),
        )
        .at(
            "/authorization/organization_memberships/{om}/resources",
            get(decisions::resources),
        )
        .at(
            "/authorization/organization_memberships/{om}/resources/{id}/permissions",
            get(decisions::effective),
        )
        .at(
            "/authorization/organization_memberships/{om}/resources/{id}/{ext}/permissions",
            get(decisions::effective_named),
        )
        .at(
            "/authorization/organization_memberships/{om}/role_assignments",
            get(assignments::list)
                .post(assignments::assign)
                .delete(assignments::unassign),
        )
        .at(
            "/authorization/organization_memberships/{om}/role_assignments/{id}",
            delete(assignments::unassign_by_id),
        )
        .at(
            "/authorization/groups/{group}/role_assignments",
            get(group_assignments::list)
                .post(group_assignments::create)
                .put(group_assignments::replace)
                .patch(group_assignments::patch)
                .delete(group_assignments::delete),
        )
        .at(
            "/authorization/groups/{group}/role_assignments/{id}",
            get(group_assignments::get).delete(group_assignments::delete_by_id),
        )
}

fn identity(routes: Routes) -> Routes {
    routes
        .at(
            "/organizations",
            get(organizations::list).post(organizations::create),
        )
        .at(
            "/organizations/external_id/{ext}",
            get(organizations::get_by_external_id),
        )
        .at(
            "/organizations/{org}",
            get(organizations::get)
                .put(organizations::update)
                .delete(organizations::delete),
        )
        .at(
            "/organizations/{org}/groups",
            get(groups::list).post(groups::create),
        )
        .at(
            "/organizations/{org}/groups/{group}",
            get(groups::get).patch(groups::update).delete(groups::delete),
        )
        .at(
            "/organizations/{org}/groups/{group}/organization-memberships",
            get(groups::members).post(groups::add).patch(groups::patch),
        )
        .at(
            "/organizations/{org}/groups/{group}/organization-memberships/{om}",
            delete(groups::remove),
        )
        .at("/user_management/users", get(users::list).post(users::create))
        .at(
            "/user_management/users/external_id/{ext}",
            get(users::get_by_external_id),
        )
        .at(
            "/user_management/users/{user}",
            get(users::get).put(users::update).delete(users::delete),
        )
        .at(
            "/user_management/organization_memberships",
            get(memberships::list).post(memberships::create),
        )
        .at(
            "/user_management/organization_memberships/{om}",
            get(memberships::get)
                .put(memberships::update)
                .delete(memberships::delete),
        )
        .at(
            "/user_management/organization_memberships/{om}/deactivate",
            put(memberships::deactivate),
        )
        .at(
            "/user_management/organization_memberships/{om}/reactivate",
            put(memberships::reactivate),
        )
        .at(
            "/user_management/organization_memberships/{om}/groups",
            get(memberships::groups),
        )
}

/// What the API lacks, under a path that it will never have.
fn own(routes: Routes) -> Routes {
    routes
        .at(
            "/rowgate/v1/authorization/types",
            get(own::types).put(own::apply_types),
        )
        .at("/rowgate/v1/authorization/roles/{slug}", delete(roles::delete))
        .at(
            "/rowgate/v1/authorization/roles/{slug}/permissions/{permission}",
            delete(roles::remove_permission),
        )
        .at("/rowgate/v1/authorization/role_priority", put(own::role_priority))
        .at("/rowgate/v1/authorization/check", post(own::check_many))
        .at("/rowgate/v1/authorization/explain", post(own::explain))
        .at("/rowgate/v1/authorization/resources", get(own::everywhere))
        .at("/rowgate/v1/authorization/audit", get(audit::list))
        .at("/rowgate/v1/authorization/people", put(people::import))
}

/// A thing that is new.
fn created(thing: Value) -> Answer {
    let mut response = wire::json(&thing);
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// A thing that is no more.
fn gone() -> Response {
    let mut response = wire::empty();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// The same, and what went with it.
fn taken_along(mut response: Response, removed: &Removed) -> Response {
    let counted = [
        ("resources", removed.resources),
        ("role_assignments", removed.assignments),
        ("group_role_assignments", removed.group_assignments),
        ("organization_memberships", removed.memberships),
        ("groups", removed.groups),
        ("roles", removed.roles),
    ];
    let counted = counted.iter().filter(|(_, count)| *count > 0);
    let counted: Vec<String> = counted.map(|(what, count)| format!("{what}={count}")).collect();
    if let Ok(value) = HeaderValue::from_str(&counted.join(", ")) {
        response.headers_mut().insert(REMOVED, value);
    }
    response
}
