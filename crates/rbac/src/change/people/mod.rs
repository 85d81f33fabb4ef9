//! Organizations, users and memberships from a list, such as a file: compared with what there is, and brought in at once.
//!
//! An organization is recognised by its external id or its id, a user by the external id or the mail address. So the same list can be
//! brought in again, and changes what has changed since.
//!
//! * `users`, `organizations`: what the entries say together, and what there is of it; `members`: who is where, with which roles.

mod members;
mod organizations;
mod users;

use serde_json::{Map, Value};

use super::types::{Action, Step};
use crate::draft::Draft;
use crate::error::FieldError;
use crate::{Error, Result};

/// Most entries of one list.
pub const MAX_PEOPLE: usize = 20_000;

/// Most errors that are told at a time.
const MAX_ERRORS: usize = 100;

/// An entry: a user, an organization, or a user in an organization.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Person {
    /// The line that it stands on, or its number in the list, for errors.
    pub line: usize,
    /// The external id or the id of an organization.
    pub organization: Option<String>,
    /// What people call the organization. One that is new and has no name is called by its external id.
    pub organization_name: Option<String>,
    /// The user's mail address.
    pub email: Option<String>,
    /// What the application calls the user.
    pub external_id: Option<String>,
    /// The user's first name.
    pub first_name: Option<String>,
    /// The user's last name.
    pub last_name: Option<String>,
    /// Texts of the application's own about the user.
    pub metadata: Option<Map<String, Value>>,
    /// The slugs of all roles that the user is to have on the organization. When absent, a new member gets the default role and others
    /// keep theirs.
    pub roles: Option<Vec<String>>,
}

/// What becomes of the members of the organizations of a list that are not in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Gone {
    /// They stay.
    #[default]
    Keep,
    /// Their memberships are deactivated.
    Deactivate,
    /// Their memberships are deleted. The users stay.
    Remove,
}

impl Gone {
    /// What a word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "keep" => Some(Self::Keep),
            "deactivate" => Some(Self::Deactivate),
            "remove" => Some(Self::Remove),
            _ => None,
        }
    }
}

/// Brings a list in, and says what was done.
///
/// # Errors
/// 422 with the line of every entry that cannot be brought in.
pub fn import(draft: &mut Draft<'_>, people: &[Person], gone: Gone) -> Result<Vec<Step>> {
    super::setup::ensure(draft)?;
    if people.len() > MAX_PEOPLE {
        let message = format!("{} people; at most {MAX_PEOPLE} are allowed", people.len());
        return Err(Error::field("people", "too_many", message));
    }
    let mut notes = Notes::default();
    let mut organizations = organizations::Organizations::default();
    let mut users = users::Users::default();
    let mut members = members::Members::default();
    for person in people {
        let organization = organizations.add(draft, person, &mut notes);
        let user = users.add(person, &mut notes);
        members.add(person, organization, user, &mut notes);
    }
    notes.check()?;
    organizations.write(draft, &mut notes)?;
    users.write(draft, &mut notes)?;
    notes.check()?;
    members.write(draft, &organizations, &users, gone, &mut notes)?;
    notes.check()?;
    Ok(notes.plan)
}

/// What is found out on the way.
#[derive(Default)]
struct Notes {
    errors: Vec<FieldError>,
    plan: Vec<Step>,
}

impl Notes {
    fn wrong(&mut self, line: usize, message: impl std::fmt::Display) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(FieldError {
                field: "people".into(),
                code: "invalid",
                message: format!("line {line}: {message}"),
            });
        }
    }

    fn step(&mut self, action: Action, kind: &'static str, slug: &str, detail: impl Into<String>) {
        self.plan.push(Step {
            action,
            kind,
            slug: slug.to_owned(),
            detail: detail.into(),
        });
    }

    fn check(&mut self) -> Result<()> {
        if self.errors.is_empty() {
            return Ok(());
        }
        Err(Error::Fields(std::mem::take(&mut self.errors)))
    }
}

/// What several entries say of the same thing: all the same, or all but one nothing.
struct Said<T> {
    value: Option<(T, usize)>,
}

impl<T> Default for Said<T> {
    fn default() -> Self {
        Self { value: None }
    }
}

impl<T: Clone + PartialEq> Said<T> {
    fn add(&mut self, what: &str, value: Option<&T>, line: usize, notes: &mut Notes) {
        let Some(value) = value else { return };
        match &self.value {
            None => self.value = Some((value.clone(), line)),
            Some((known, _)) if known == value => {}
            Some((_, before)) => notes.wrong(line, format_args!("another {what} than on line {before}")),
        }
    }

    fn get(&self) -> Option<&T> {
        self.value.as_ref().map(|(value, _)| value)
    }
}
