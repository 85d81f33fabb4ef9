//! `/user_management/users`. Who users are, not how they sign in: that is left to an identity provider.

use axum::extract::State;
use rowgate_rbac::change::users::{self, UserFields};
use rowgate_rbac::input::{Fields, MAX_LONG_NAME};
use rowgate_rbac::record::User;
use rowgate_rbac::{Error, Reader};
use serde_json::Value;

use super::request::{Body, Params, Ready, Segments, page};
use super::{created, taken_along};
use crate::state::App;
use crate::wire;
use crate::wire::authorization::error::{Answer, Failure};
use crate::wire::authorization::{identity, list};

/// Longest mail address.
const MAX_EMAIL: usize = 254;

pub(crate) async fn list(State(app): State<App>, ready: Ready, params: Params) -> Answer {
    let page = page(&params)?;
    let published = ready.read();
    app.long(move || {
        let read = Reader::new(&published.graph);
        let organization = params.get("organization_id").or(params.get("organization"));
        let found: Box<dyn Iterator<Item = User<'_>>> = match (params.get("email"), organization) {
            (Some(email), None) => Box::new(read.user_by_email(email).into_iter()),
            (email, Some(organization)) => {
                let members = read.organization(organization)?.memberships();
                let users = members.filter_map(|membership| membership.user().ok());
                let called =
                    move |user: &User<'_>| email.is_none_or(|email| user.email().eq_ignore_ascii_case(email));
                Box::new(users.filter(called))
            }
            (None, None) => Box::new(read.users()),
        };
        let listed = page.of(found.map(|one| (one.key().at(), one)), |one| one.key());
        let cursor = |one: &User<'_>| one.key().id("user");
        Ok::<_, Failure>(wire::json(&list::page(&listed, identity::user, cursor)))
    })
    .await?
}

/// Notes what is no mail address.
pub(super) fn mail_address(body: &mut Fields, email: &str) {
    let parts = email
        .split_once('@')
        .filter(|(name, host)| !name.is_empty() && !host.is_empty());
    let fits = parts.is_some() && email.len() <= MAX_EMAIL && email.is_ascii();
    if !fits || email.contains(char::is_whitespace) {
        body.wrong("email", "invalid", "email must be a mail address");
    }
}

/// What a body says of a user.
fn fields(body: &mut Fields, email: Option<String>) -> Answer<UserFields> {
    for field in ["password", "password_hash"] {
        if body.value(field).is_some() {
            let message =
                "this server keeps no passwords: leave it out, and sign users in with an identity provider";
            body.wrong(field, "not_supported", message);
        }
    }
    if let Some(email) = &email {
        mail_address(body, email);
    }
    let metadata = body.metadata()?;
    let mut said = UserFields {
        email,
        external_id: body.new_external_id(),
        metadata,
        ..UserFields::default()
    };
    for field in ["first_name", "last_name", "name", "locale"] {
        if let Some(text) = body.short_clearable(field, MAX_LONG_NAME) {
            said.other
                .insert(field.into(), text.map_or(Value::Null, Value::String));
        }
    }
    if let Some(verified) = body.boolean("email_verified") {
        said.other.insert("email_verified".into(), verified.into());
    }
    body.check()?;
    Ok(said)
}

pub(crate) async fn create(ready: Ready, Body(mut body): Body) -> Answer {
    let email = body.required("email");
    let email = (!email.is_empty()).then_some(email);
    let said = fields(&mut body, email)?;
    let id = ready
        .change(move |draft| users::create(draft, &said, None))
        .await?;
    created(ready.show(|read| Ok(identity::user(&read.user(&id)?)))?)
}

pub(crate) async fn get(ready: Ready, Segments(id): Segments<String>) -> Answer {
    let found = ready.show(|read| Ok(identity::user(&read.user(&id)?)))?;
    Ok(wire::json(&found))
}

pub(crate) async fn get_by_external_id(ready: Ready, Segments(id): Segments<String>) -> Answer {
    let found = ready.show(|read| Ok(identity::user(&read.user_by_external_id(&id)?)))?;
    Ok(wire::json(&found))
}

pub(crate) async fn update(ready: Ready, Segments(id): Segments<String>, Body(mut body): Body) -> Answer {
    ready.show(|read| read.user(&id).map(|_| ()))?;
    let email = body.text("email");
    if email.as_deref() == Some("") {
        return Err(Error::field("email", "invalid", "email must not be empty").into());
    }
    let said = fields(&mut body, email)?;
    let of = id.clone();
    ready
        .change(move |draft| users::update(draft, &of, &said))
        .await?;
    get(ready, Segments(id)).await
}

pub(crate) async fn delete(ready: Ready, Segments(id): Segments<String>) -> Answer {
    let removed = ready
        .change(move |draft| {
            users::delete(draft, &id)?;
            Ok(draft.removed())
        })
        .await?;
    Ok(taken_along(wire::empty(), &removed))
}
