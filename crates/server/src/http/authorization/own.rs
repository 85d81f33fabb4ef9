//! `/rowgate/v1/authorization`: types as code, the order of roles, several checks at once, reasons, and lists without a parent.

use axum::extract::State;
use rowgate_rbac::Draft;
use rowgate_rbac::change::types::{self, PermissionEntry, RoleEntry, Step, TypeEntry, Types};
use rowgate_rbac::change::{roles, setup};
use rowgate_rbac::input::{Fields, MAX_NAME};
use rowgate_rbac::names::ORGANIZATION;
use rowgate_rbac::record::Resource;
use rowgate_rbac::{Error, Reader};
use serde_json::{Value, json};

use super::decisions::Question;
use super::request::{Body, Params, Ready, ask, newest, page, required};
use super::rows::{self, Asking, Paging};
use crate::state::App;
use crate::wire;
use crate::wire::authorization as out;
use crate::wire::authorization::error::{Answer, Failure};
use crate::wire::authorization::list;

/// Most checks of one request.
const MAX_CHECKS: usize = 100;

pub(crate) async fn types(ready: Ready) -> Answer {
    let types = ready.show(|read| Ok(Types::of(read)))?;
    Ok(wire::json(&document(&types)))
}

fn document(types: &Types) -> Value {
    let of_types = types.types.iter().map(|entry| {
        json!({"slug": entry.slug, "name": entry.name, "description": entry.description, "parents": entry.parents})
    });
    let permissions = types.permissions.iter().map(|entry| {
        json!({
            "slug": entry.slug,
            "name": entry.name,
            "description": entry.description,
            "resource_type": entry.resource_type,
        })
    });
    let roles = types.roles.iter().map(|entry| {
        json!({
            "slug": entry.slug,
            "name": entry.name,
            "description": entry.description,
            "resource_type": entry.resource_type,
            "permissions": entry.permissions,
        })
    });
    json!({
        "default_role": types.default_role,
        "multiple_roles": types.multiple_roles,
        "types": of_types.collect::<Vec<Value>>(),
        "permissions": permissions.collect::<Vec<Value>>(),
        "roles": roles.collect::<Vec<Value>>(),
    })
}

/// The entries of a list, each read by `read`. What is wrong with them is noted with their paths.
fn entries<T>(body: &mut Fields, name: &str, read: impl Fn(&mut Fields) -> T) -> Vec<T> {
    let objects = body.objects(name).unwrap_or_default();
    let entries = objects.into_iter().enumerate().map(|(at, object)| {
        let mut entry = Fields::of(object);
        let found = read(&mut entry);
        body.adopt(&format!("{name}[{at}]"), entry);
        found
    });
    entries.collect()
}

/// A name may be left out: then it is the slug.
fn named(entry: &mut Fields, slug: &str) -> String {
    entry.new_name(MAX_NAME).unwrap_or_else(|| slug.to_owned())
}

fn wanted(body: &mut Fields) -> Answer<Types> {
    let resource_type =
        |entry: &mut Fields| entry.text("resource_type").unwrap_or_else(|| ORGANIZATION.into());
    body.only(&[
        "types",
        "permissions",
        "roles",
        "default_role",
        "multiple_roles",
        "prune",
        "dry_run",
    ]);
    let types = entries(body, "types", |entry| {
        entry.only(&["slug", "name", "description", "parents"]);
        let slug = entry.required("slug");
        TypeEntry {
            name: named(entry, &slug),
            description: entry.description().flatten(),
            parents: entry.texts("parents").unwrap_or_default(),
            slug,
        }
    });
    let permissions = entries(body, "permissions", |entry| {
        entry.only(&["slug", "name", "description", "resource_type"]);
        let slug = entry.permission_slug("slug");
        PermissionEntry {
            name: named(entry, &slug),
            description: entry.description().flatten(),
            resource_type: resource_type(entry),
            slug,
        }
    });
    let roles = entries(body, "roles", |entry| {
        entry.only(&["slug", "name", "description", "resource_type", "permissions"]);
        let slug = entry.role_slug("slug");
        RoleEntry {
            name: named(entry, &slug),
            description: entry.description().flatten(),
            resource_type: resource_type(entry),
            permissions: entry.texts("permissions").unwrap_or_default(),
            slug,
        }
    });
    let wanted = Types {
        types,
        permissions,
        roles,
        default_role: body.text("default_role"),
        multiple_roles: body.boolean("multiple_roles"),
    };
    body.check()?;
    Ok(wanted)
}

/// Applies a document, or says what that would do.
pub(crate) async fn apply_types(ready: Ready, Body(mut body): Body) -> Answer {
    let (prune, dry_run) = (body.boolean("prune"), body.boolean("dry_run"));
    let wanted = wanted(&mut body)?;
    let (prune, dry_run) = (prune.unwrap_or(false), dry_run.unwrap_or(false));
    let plan = if dry_run {
        let published = ready.read();
        types::apply(&mut Draft::new(&newest(&published)), &wanted, prune)?
    } else {
        ready
            .change(move |draft| {
                setup::ensure(draft)?;
                types::apply(draft, &wanted, prune)
            })
            .await?
    };
    let plan: Vec<Value> = plan.iter().map(step).collect();
    Ok(wire::json(&json!({"applied": !dry_run, "plan": plan})))
}

pub(super) fn step(step: &Step) -> Value {
    json!({"action": step.action.word(), "kind": step.kind, "slug": step.slug, "detail": step.detail})
}

/// Sets the order of roles, of the environment or of one organization.
pub(crate) async fn role_priority(ready: Ready, Body(mut body): Body) -> Answer {
    body.only(&["organization_id", "role_slugs"]);
    let organization = body.text("organization_id");
    let slugs = body.texts("role_slugs");
    body.check()?;
    let slugs = slugs.ok_or_else(|| Error::field("role_slugs", "required", "role_slugs is required"))?;
    let of = organization.clone();
    ready
        .change(move |draft| roles::set_priority(draft, of.as_deref(), &slugs))
        .await?;
    let rows = ready.show(|read| {
        let roles = match &organization {
            Some(id) => read.roles(&read.organization(id)?),
            None => read.environment_roles(),
        };
        Ok(roles.iter().map(out::role).collect())
    })?;
    Ok(wire::json(&list::whole(rows)))
}

/// Several checks of one revision. One that cannot be answered does not keep the others from it.
pub(crate) async fn check_many(State(app): State<App>, ready: Ready, Body(mut body): Body) -> Answer {
    let checks = body.objects("checks");
    body.check()?;
    let checks = checks.ok_or_else(|| Error::field("checks", "required", "checks is required"))?;
    if checks.len() > MAX_CHECKS {
        let message = format!("{} checks; at most {MAX_CHECKS} are allowed", checks.len());
        return Err(Error::field("checks", "too_many", message).into());
    }
    let mut questions = Vec::with_capacity(checks.len());
    for check in checks {
        let mut fields = Fields::of(check);
        let om = fields.required("organization_membership_id");
        questions.push((om, Question::read(&mut fields)?));
    }
    let published = ready.read();
    let again = app.clone();
    app.long(move || {
        let rows = match published.bound {
            Some(_) => Some(Asking::new(&again, ready.caller(), &published)?),
            None => None,
        };
        let answers = questions.iter().map(|(om, question)| {
            let answer = match &rows {
                Some(rows) => question.answer_with(rows, om),
                None => ask(&published, &question.context, |asker| question.answer(asker, om))
                    .map_err(Failure::from),
            };
            answer.unwrap_or_else(|error| {
                let (code, message) = error.said();
                json!({"authorized": false, "error": {"code": code, "message": message}})
            })
        });
        let answers: Vec<Value> = answers.collect();
        Ok::<_, Failure>(wire::json(&json!({"results": answers})))
    })
    .await?
}

/// Why a check says yes: every assignment that is enough for it, the nearest first.
pub(crate) async fn explain(State(app): State<App>, ready: Ready, Body(mut body): Body) -> Answer {
    let om = body.required("organization_membership_id");
    let question = Question::read(&mut body)?;
    let published = ready.read();
    let instead = "ask about what the row is under instead";
    rows::refuse_target(&published, Some(&question.target), instead)?;
    app.long(move || {
        ask(&published, &question.context, |asker| {
            let membership = asker.read().membership(&om)?;
            let resource = asker
                .read()
                .target(&membership.organization()?, &question.target)?;
            let reasons = asker.reasons(&membership, &question.permission, &resource)?;
            let mut answer = question.answer(asker, &om)?;
            let reasons = reasons.iter().map(|reason| {
                let at = &reason.assignment.resource;
                json!({
                    "role_assignment": out::assignment(&reason.assignment),
                    "resource": out::resource(at),
                    "inherited": at.wire_id() != resource.wire_id(),
                })
            });
            answer["reasons"] = reasons.collect();
            Ok::<_, Failure>(wire::json(&answer))
        })
    })
    .await?
}

/// Every resource of a type on which a membership has a permission.
pub(crate) async fn everywhere(State(app): State<App>, ready: Ready, params: Params) -> Answer {
    let om = required(&params, "organization_membership_id")?.to_owned();
    let permission = required(&params, "permission_slug")?.to_owned();
    let resource_type = required(&params, "resource_type_slug")?.to_owned();
    let published = ready.read();
    if rows::table(&published, &resource_type).is_some() {
        let (again, paging) = (app.clone(), Paging::read(&params)?);
        return app
            .long(move || {
                let rows = Asking::new(&again, ready.caller(), &published)?;
                let found = rows.everywhere(&om, &permission, &resource_type, &paging)?;
                Ok(wire::json(&found))
            })
            .await?;
    }
    let page = page(&params)?;
    app.long(move || {
        ask(&published, &rowgate_policy::Context::new(), |asker| {
            let read: Reader<'_> = asker.read();
            let found = asker.everywhere(&read.membership(&om)?, &permission, &resource_type)?;
            let listed = page.of(
                found.into_iter().map(|one| (one.created_at(), one)),
                Resource::key,
            );
            Ok::<_, Failure>(wire::json(&list::page(&listed, out::resource, Resource::wire_id)))
        })
    })
    .await?
}
