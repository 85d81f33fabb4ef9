//! Checks, and what follows from them: effective permissions, resources of a membership, memberships of a resource.

use std::sync::Arc;

use axum::extract::State;
use rowgate_engine::{Decision, EngineError};
use rowgate_environment::{Error as EnvironmentError, Published};
use rowgate_policy::Context;
use rowgate_rbac::ask::{Asker, Reach};
use rowgate_rbac::input::Fields;
use rowgate_rbac::page::Page;
use rowgate_rbac::record::{Membership, Permission, Resource};
use rowgate_rbac::{Error, Target};
use serde_json::{Map, Value};

use super::discover::{self, Wanted};
use super::request::{Body, Params, Ready, Segments, ask, page, required};
use super::resources::Named;
use super::rows::{self, Asking};
use crate::state::App;
use crate::wire;
use crate::wire::authorization as out;
use crate::wire::authorization::error::{Answer, Failure};
use crate::wire::authorization::{identity, list};

/// One check, as a body asks for it.
pub(super) struct Question {
    pub(super) permission: String,
    pub(super) target: Target,
    pub(super) context: Context,
}

impl Question {
    pub(super) fn read(fields: &mut Fields) -> Answer<Self> {
        let permission = fields.required("permission_slug");
        let target = fields.target();
        let context = context(fields);
        fields.check()?;
        let target =
            target.ok_or_else(|| Error::field("resource_id", "required", "resource_id is required"))?;
        Ok(Self {
            permission,
            target,
            context,
        })
    }

    pub(super) fn answer(&self, asker: Asker<'_>, om: &str) -> rowgate_rbac::Result<Value> {
        Ok(authorized(asker.check_named(
            om,
            &self.permission,
            &self.target,
        )?))
    }

    /// The same, where rows may have a part. For a thread that may wait.
    pub(super) fn answer_with(&self, rows: &Asking<'_>, om: &str) -> Answer<Value> {
        let decision = rows.check(om, &self.permission, &self.target, &self.context)?;
        Ok(authorized(decision))
    }
}

fn authorized(decision: Decision) -> Value {
    let mut answer = Map::new();
    answer.insert("authorized".into(), decision.value.grants().into());
    if !decision.missing.is_empty() {
        answer.insert("missing_context_keys".into(), decision.missing.into());
    }
    Value::Object(answer)
}

/// What conditions of assignments can look at.
pub(super) fn context(fields: &mut Fields) -> Context {
    match fields.value("context") {
        None => Context::new(),
        Some(Value::Object(context)) => context.clone(),
        Some(_) => {
            fields.wrong("context", "invalid", "context must be an object");
            Context::new()
        }
    }
}

/// Decisions that look at more than this leave the threads that serve connections: about a millisecond.
const QUICK: u64 = 20_000;

pub(crate) async fn check(
    State(app): State<App>,
    ready: Ready,
    Segments(om): Segments<String>,
    Body(mut fields): Body,
) -> Answer {
    ready.show(|read| read.membership(&om).map(|_| ()))?;
    let question = Question::read(&mut fields)?;
    let published = ready.read();
    if rows::names_row(&published, &question.target) {
        return with_rows(app, ready, published, question, om).await;
    }
    let quick = ask(&published, &question.context, |asker| {
        question.answer(asker.at_most(QUICK), &om)
    });
    let answer = match quick {
        Err(Error::Environment(EnvironmentError::Engine(EngineError::Unread(_)))) => {
            return with_rows(app, ready, published, question, om).await;
        }
        Err(Error::Environment(EnvironmentError::Engine(EngineError::TooMuchWork { .. }))) => {
            app.long(move || ask(&published, &question.context, |asker| question.answer(asker, &om)))
                .await?
        }
        quick => quick,
    };
    Ok(wire::json(&answer?))
}

/// A check for which rows have to be read.
async fn with_rows(
    app: App,
    ready: Ready,
    published: Arc<Published>,
    question: Question,
    om: String,
) -> Answer {
    let again = app.clone();
    app.long(move || {
        let rows = Asking::new(&again, ready.caller(), &published)?;
        Ok(wire::json(&question.answer_with(&rows, &om)?))
    })
    .await?
}

pub(crate) async fn resources(
    State(app): State<App>,
    ready: Ready,
    Segments(om): Segments<String>,
    params: Params,
) -> Answer {
    // The form comes first. What a page may begin after depends on whether there are rows.
    Page::read(params.get("limit"), params.get("order"), None, None)?;
    ready.show(|read| read.membership(&om).map(|_| ()))?;
    let permission = required(&params, "permission_slug")?.to_owned();
    let names = [
        "parent_resource_id",
        "parent_resource_external_id",
        "parent_resource_type_slug",
    ];
    let mut parent = Fields::of(
        names
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), params.get(name)?.into())))
            .collect(),
    );
    let target = parent.parent();
    parent.check()?;
    let message = "give parent_resource_id, or parent_resource_external_id with parent_resource_type_slug";
    let target = target.ok_or_else(|| Error::field("parent_resource_id", "required", message))?;
    let published = ready.read();
    if discover::has_rows(&published, &om, &target) {
        let (again, wanted) = (app.clone(), Wanted::read(om, permission, target, &params)?);
        return app
            .long(move || Ok(wire::json(&wanted.list(&again, ready.caller(), &published)?)))
            .await?;
    }
    let page = page(&params)?;
    app.long(move || {
        ask(&published, &Context::new(), |asker| {
            let membership = asker.read().membership(&om)?;
            let parent = asker.read().target(&membership.organization()?, &target)?;
            let found = asker.children(&membership, &permission, &parent)?;
            let listed = page.of(
                found.into_iter().map(|one| (one.created_at(), one)),
                Resource::key,
            );
            Ok::<_, Failure>(wire::json(&list::page(&listed, out::resource, Resource::wire_id)))
        })
    })
    .await?
}

pub(crate) async fn memberships(
    State(app): State<App>,
    ready: Ready,
    Segments(id): Segments<String>,
    params: Params,
) -> Answer {
    memberships_of(app, ready, Named::id(id), params).await
}

pub(crate) async fn memberships_named(
    State(app): State<App>,
    ready: Ready,
    Segments(names): Segments<(String, String, String)>,
    params: Params,
) -> Answer {
    memberships_of(app, ready, Named::external(names), params).await
}

async fn memberships_of(app: App, ready: Ready, named: Named, params: Params) -> Answer {
    let page = page(&params)?;
    named.no_row(&ready, "ask about what the row is under instead")?;
    ready.show(|read| named.read(read).map(|_| ()))?;
    let permission = required(&params, "permission_slug")?.to_owned();
    let reach = match params.get("assignment") {
        None | Some("direct") => Reach::Direct,
        Some("indirect") => Reach::Indirect,
        Some(_) => {
            return Err(
                Error::field("assignment", "invalid", "assignment must be direct or indirect").into(),
            );
        }
    };
    let published = ready.read();
    app.long(move || {
        ask(&published, &Context::new(), |asker| {
            let resource = named.read(asker.read())?;
            let listed = asker.memberships(&permission, &resource, reach, &page)?;
            let cursor = |membership: &Membership<'_>| membership.key().id("om");
            Ok::<_, Failure>(wire::json(&list::page(&listed, identity::base, cursor)))
        })
    })
    .await?
}

/// The permissions that a membership has on a resource.
async fn effective_on(app: App, ready: Ready, om: String, target: Target, params: Params) -> Answer {
    let page = page(&params)?;
    let published = ready.read();
    let again = app.clone();
    app.long(move || {
        let show = |held: Vec<Permission<'_>>| {
            let listed = page.of(held.into_iter().map(|one| (one.created_at(), one)), |one| {
                one.key()
            });
            wire::json(&list::page(&listed, out::permission, Permission::wire_id))
        };
        if rows::names_row(&published, &target) {
            let rows = Asking::new(&again, ready.caller(), &published)?;
            return Ok(show(rows.effective(&om, &target)?));
        }
        ask(&published, &Context::new(), |asker| {
            let membership = asker.read().membership(&om)?;
            let resource = asker.read().target(&membership.organization()?, &target)?;
            Ok::<_, Failure>(show(asker.effective(&membership, &resource)?))
        })
    })
    .await?
}

pub(crate) async fn effective(
    State(app): State<App>,
    ready: Ready,
    Segments((om, id)): Segments<(String, String)>,
    params: Params,
) -> Answer {
    effective_on(app, ready, om, Target::Id(id), params).await
}

/// The same by another path, which some client libraries use.
pub(crate) async fn effective_by_resource(
    State(app): State<App>,
    ready: Ready,
    Segments((id, om)): Segments<(String, String)>,
    params: Params,
) -> Answer {
    effective_on(app, ready, om, Target::Id(id), params).await
}

pub(crate) async fn effective_named(
    State(app): State<App>,
    ready: Ready,
    Segments((om, resource_type, external_id)): Segments<(String, String, String)>,
    params: Params,
) -> Answer {
    let target = Target::External {
        resource_type,
        external_id,
    };
    effective_on(app, ready, om, target, params).await
}
