//! Users. Rowgate keeps who they are and no passwords.

use serde_json::{Map, Value};

use super::{memberships, merge, set};
use crate::draft::Draft;
use crate::names::USER;
use crate::read::{EMAIL, USER_NAME};
use crate::{Error, Result};

/// What can be said of a user. Absent fields stay as they are.
#[derive(Debug, Clone, Default)]
pub struct UserFields {
    /// The mail address.
    pub email: Option<String>,
    /// What the application calls the user.
    pub external_id: Option<Option<String>>,
    /// Texts of the application's own.
    pub metadata: Option<Map<String, Value>>,
    /// Further fields of the wire format, as they come; `null` clears one.
    pub other: Map<String, Value>,
}

/// Creates a user and returns the id.
///
/// # Errors
/// 400 `user_creation_error` for a mail address that is taken, `external_id_already_used`; 409 for an id that is taken.
pub fn create(draft: &mut Draft<'_>, fields: &UserFields, id: Option<&str>) -> Result<String> {
    let (at, fresh) = draft.fresh("user")?;
    let id = id.map_or(fresh, str::to_owned);
    if draft.read.user(&id).is_ok() {
        let message = format!("The user '{id}' exists already.");
        return Err(Error::conflict("user_already_exists", message));
    }
    let mut meta = Map::new();
    write(&mut meta, fields)?;
    draft.put(USER, &id, meta, at);
    let this = (USER, id.as_str());
    draft.list(this, at);
    if let Some(email) = &fields.email {
        free_email(draft, email)?;
        draft.name(EMAIL, &email.to_lowercase(), this, at);
    }
    if let Some(Some(name)) = &fields.external_id {
        free(draft, name)?;
        draft.name(USER_NAME, name, this, at);
    }
    Ok(id)
}

fn write(meta: &mut Map<String, Value>, fields: &UserFields) -> Result<()> {
    if let Some(email) = &fields.email {
        set(meta, "email", Some(email));
    }
    if let Some(external_id) = &fields.external_id {
        set(meta, "external_id", external_id.as_deref());
    }
    if let Some(metadata) = &fields.metadata {
        merge(meta, metadata)?;
    }
    for (field, value) in &fields.other {
        match value {
            Value::Null => meta.shift_remove(field),
            value => meta.insert(field.clone(), value.clone()),
        };
    }
    Ok(())
}

fn free_email(draft: &Draft<'_>, email: &str) -> Result<()> {
    if draft.read.user_by_email(email).is_some() {
        let message = format!("A user with the mail address '{email}' exists already.");
        return Err(Error::bad("user_creation_error", message));
    }
    Ok(())
}

fn free(draft: &Draft<'_>, external_id: &str) -> Result<()> {
    if draft.read.user_by_external_id(external_id).is_ok() {
        let message = format!("The external id '{external_id}' is used by another user.");
        return Err(Error::bad("external_id_already_used", message));
    }
    Ok(())
}

/// Changes a user.
///
/// # Errors
/// 404, 400 for a mail address or an external id that is taken.
pub fn update(draft: &mut Draft<'_>, id: &str, fields: &UserFields) -> Result<()> {
    let user = draft.read.user(id)?;
    let this = (USER, id);
    if let Some(email) = &fields.email {
        let (before, after) = (user.email().to_lowercase(), email.to_lowercase());
        if before != after {
            free_email(draft, email)?;
            draft.forget_name(EMAIL, &before);
            let at = draft.moment();
            draft.name(EMAIL, &after, this, at);
        }
    }
    if let Some(name) = &fields.external_id
        && user.external_id() != name.as_deref()
    {
        if let Some(before) = user.external_id() {
            draft.forget_name(USER_NAME, before);
        }
        if let Some(name) = name {
            free(draft, name)?;
            let at = draft.moment();
            draft.name(USER_NAME, name, this, at);
        }
    }
    let mut meta = user.all_meta();
    write(&mut meta, fields)?;
    draft.update(&user, |stored| *stored = meta);
    Ok(())
}

/// Deletes a user with all memberships.
///
/// # Errors
/// 404
pub fn delete(draft: &mut Draft<'_>, id: &str) -> Result<()> {
    let user = draft.read.user(id)?;
    for membership in user.memberships() {
        memberships::delete(draft, membership.id())?;
    }
    draft.forget_name(EMAIL, &user.email().to_lowercase());
    if let Some(name) = user.external_id() {
        draft.forget_name(USER_NAME, name);
    }
    draft.delete(USER, id);
    Ok(())
}
