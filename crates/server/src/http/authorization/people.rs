//! `PUT /rowgate/v1/authorization/people`: organizations, users and memberships from a list.

use axum::extract::{Request, State};
use rowgate_rbac::change::people::{self, Gone, MAX_PEOPLE, Person};
use rowgate_rbac::input::{Fields, MAX_LONG_NAME, MAX_ROLES};
use rowgate_rbac::{Draft, Error, FieldError};
use serde_json::{Map, Value, json};

use super::own::step;
use super::request::{Body, Ready, newest};
use super::users::mail_address;
use crate::extract::{Payload, read};
use crate::state::App;
use crate::wire;
use crate::wire::authorization::error::{Answer, Failure};

/// What an entry may say.
const FIELDS: [&str; 9] = [
    "organization",
    "organization_name",
    "email",
    "external_id",
    "first_name",
    "last_name",
    "metadata",
    "roles",
    "line",
];

/// Brings a list in, or says what that would do.
pub(crate) async fn import(State(app): State<App>, ready: Ready, request: Request) -> Answer {
    let payload = Payload(read(request, app.limits.import_body, &app).await?);
    let (people, gone, dry_run) = app.long(move || wanted(&payload)).await??;
    let plan = if dry_run {
        let published = ready.read();
        app.long(move || people::import(&mut Draft::new(&newest(&published)), &people, gone))
            .await??
    } else {
        ready
            .change(move |draft| people::import(draft, &people, gone))
            .await?
    };
    let plan: Vec<Value> = plan.iter().map(step).collect();
    Ok(wire::json(&json!({"applied": !dry_run, "plan": plan})))
}

fn wanted(payload: &Payload) -> Answer<(Vec<Person>, Gone, bool)> {
    let Body(mut body) = Body::read(payload)?;
    body.only(&["people", "gone", "dry_run"]);
    let dry_run = body.boolean("dry_run").unwrap_or(false);
    let gone = match body.text("gone") {
        None => Gone::default(),
        Some(word) => Gone::parse(&word).unwrap_or_else(|| {
            body.wrong("gone", "invalid", "gone must be keep, deactivate or remove");
            Gone::default()
        }),
    };
    let entries = body.objects("people");
    body.check()?;
    let entries = entries.ok_or_else(|| Error::field("people", "required", "people is required"))?;
    if entries.len() > MAX_PEOPLE {
        let message = format!("{} people; at most {MAX_PEOPLE} are allowed", entries.len());
        return Err(Error::field("people", "too_many", message).into());
    }
    let (mut all, mut errors) = (Vec::with_capacity(entries.len()), Vec::new());
    for (number, entry) in (1..).zip(entries) {
        match person(number, entry) {
            Ok(person) => all.push(person),
            Err(Failure::Rbac(Error::Fields(wrong))) => errors.extend(wrong),
            Err(other) => return Err(other),
        }
    }
    if errors.is_empty() {
        return Ok((all, gone, dry_run));
    }
    errors.truncate(100);
    Err(Error::Fields(errors).into())
}

fn person(number: usize, entry: Map<String, Value>) -> Answer<Person> {
    let line = entry.get("line").and_then(Value::as_u64);
    let line = line.and_then(|line| usize::try_from(line).ok()).unwrap_or(number);
    let at_line = |errors: Vec<FieldError>| {
        let named = |error: FieldError| FieldError {
            field: format!("people.{}", error.field),
            message: format!("line {line}: {}", error.message),
            ..error
        };
        Failure::Rbac(Error::Fields(errors.into_iter().map(named).collect()))
    };
    let mut fields = Fields::of(entry);
    fields.only(&FIELDS);
    let read = read_person(line, &mut fields);
    match (read, fields.check()) {
        (Ok(person), Ok(())) => Ok(person),
        (Err(Error::Bad { message, .. }), _) => Err(at_line(vec![FieldError {
            field: "metadata".into(),
            code: "invalid",
            message,
        }])),
        (Err(Error::Fields(errors)), _) | (_, Err(Error::Fields(errors))) => Err(at_line(errors)),
        (Err(other), _) | (_, Err(other)) => Err(other.into()),
    }
}

fn read_person(line: usize, fields: &mut Fields) -> rowgate_rbac::Result<Person> {
    let email = fields.short_text("email", MAX_LONG_NAME);
    if let Some(email) = &email {
        mail_address(fields, email);
    }
    let roles = fields.few_texts("roles", MAX_ROLES);
    Ok(Person {
        line,
        organization: fields.optional_external_id("organization"),
        organization_name: fields.short_text("organization_name", MAX_LONG_NAME),
        email,
        external_id: fields.optional_external_id("external_id"),
        first_name: fields.short_text("first_name", MAX_LONG_NAME),
        last_name: fields.short_text("last_name", MAX_LONG_NAME),
        metadata: fields.metadata()?,
        roles,
    })
}
