//! The users of a list.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Notes, Person, Said};
use crate::Result;
use crate::change::types::Action;
use crate::change::users::{self, UserFields};
use crate::draft::Draft;
use crate::record::User;

/// The users that entries are about, in the order in which they first come.
#[derive(Default)]
pub(super) struct Users<'a> {
    all: Vec<Somebody<'a>>,
    by_external_id: BTreeMap<String, usize>,
    by_email: BTreeMap<String, usize>,
}

#[derive(Default)]
struct Somebody<'a> {
    line: usize,
    email: Said<String>,
    external_id: Said<String>,
    first_name: Said<String>,
    last_name: Said<String>,
    metadata: Said<Map<String, Value>>,
    stored: Option<User<'a>>,
    /// The id, once there is one.
    id: String,
}

impl<'a> Users<'a> {
    /// Notes the user of an entry and returns the number.
    pub(super) fn add(&mut self, person: &Person, notes: &mut Notes) -> Option<usize> {
        let Person {
            line,
            email,
            external_id,
            first_name,
            last_name,
            metadata,
            roles,
            ..
        } = person;
        let email = email.as_ref();
        if email.is_none() && external_id.is_none() {
            let about_a_user =
                first_name.is_some() || last_name.is_some() || metadata.is_some() || roles.is_some();
            if about_a_user || person.organization.is_none() {
                notes.wrong(*line, "whom is it about? Give email or external_id");
            }
            return None;
        }
        let lower = email.map(|email| email.to_lowercase());
        let named = external_id.as_ref().and_then(|id| self.by_external_id.get(id));
        let mailed = lower.as_ref().and_then(|email| self.by_email.get(email));
        let at = match (named.copied(), mailed.copied()) {
            (Some(named), Some(mailed)) if named != mailed => {
                let message = "the external_id and the email are those of two users of this list";
                notes.wrong(*line, message);
                return None;
            }
            (Some(at), _) | (None, Some(at)) => at,
            (None, None) => {
                self.all.push(Somebody {
                    line: *line,
                    ..Somebody::default()
                });
                self.all.len() - 1
            }
        };
        if let Some(id) = external_id {
            self.by_external_id.insert(id.clone(), at);
        }
        if let Some(email) = lower {
            self.by_email.insert(email, at);
        }
        let somebody = &mut self.all[at];
        somebody.email.add("email", email, *line, notes);
        somebody
            .external_id
            .add("external_id", external_id.as_ref(), *line, notes);
        somebody
            .first_name
            .add("first_name", first_name.as_ref(), *line, notes);
        somebody
            .last_name
            .add("last_name", last_name.as_ref(), *line, notes);
        somebody.metadata.add("metadata", metadata.as_ref(), *line, notes);
        Some(at)
    }

    /// Creates those that are not there, and changes what is said otherwise of the others.
    pub(super) fn write(&mut self, draft: &mut Draft<'a>, notes: &mut Notes) -> Result<()> {
        for somebody in &mut self.all {
            somebody.find(draft, notes);
        }
        self.assert_distinct(notes);
        notes.check()?;
        for somebody in &mut self.all {
            somebody.write(draft, notes)?;
        }
        Ok(())
    }

    /// One entry may name by external id whom another one names by mail address.
    fn assert_distinct(&self, notes: &mut Notes) {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for somebody in &self.all {
            let Some(stored) = &somebody.stored else { continue };
            if let Some(line) = seen.insert(stored.id(), somebody.line) {
                let message = format_args!("the same user as on line {line}, named in another way");
                notes.wrong(somebody.line, message);
            }
        }
    }

    pub(super) fn id(&self, at: usize) -> &str {
        &self.all[at].id
    }

    pub(super) fn stored(&self, at: usize) -> Option<&User<'a>> {
        self.all[at].stored.as_ref()
    }

    /// How the list calls one.
    pub(super) fn called(&self, at: usize) -> &str {
        self.all[at].called()
    }
}

impl<'a> Somebody<'a> {
    fn called(&self) -> &str {
        let named = self.email.get().or(self.external_id.get());
        named.map_or("", String::as_str)
    }

    /// Finds out who is meant.
    fn find(&mut self, draft: &Draft<'a>, notes: &mut Notes) {
        let (email, external_id) = (self.email.get(), self.external_id.get());
        let named = external_id.and_then(|id| draft.read.user_by_external_id(id).ok());
        let mailed = email.and_then(|email| draft.read.user_by_email(email));
        self.stored = match (named, mailed) {
            (Some(named), Some(mailed)) if named.object() != mailed.object() => {
                let message = format!(
                    "the external_id is that of {}, and the email that of {}",
                    named.id(),
                    mailed.id()
                );
                notes.wrong(self.line, message);
                None
            }
            (Some(named), _) => Some(named),
            (None, Some(mailed)) => {
                if let (Some(wanted), Some(has)) = (external_id, mailed.external_id()) {
                    let message = format!(
                        "the user with this email, {}, has the external_id '{has}', not '{wanted}'",
                        mailed.id()
                    );
                    notes.wrong(self.line, message);
                }
                Some(mailed)
            }
            (None, None) => {
                if email.is_none() {
                    notes.wrong(self.line, "a user who is new needs an email");
                }
                None
            }
        };
    }

    fn write(&mut self, draft: &mut Draft<'a>, notes: &mut Notes) -> Result<()> {
        let Some(stored) = self.stored else {
            self.id = users::create(draft, &self.fields(|_, _| true), None)?;
            notes.step(Action::Create, "user", self.called(), "");
            return Ok(());
        };
        stored.id().clone_into(&mut self.id);
        let mut changed = Vec::new();
        let fields = self.fields(|field, wanted| {
            let is = match field {
                "email" => stored.email() == wanted,
                field => stored.text(field) == Some(wanted),
            };
            if !is {
                changed.push(field.to_owned());
            }
            !is
        });
        let own = stored.object_field("metadata");
        if let Some(more) = &fields.metadata
            && more.iter().any(|(key, value)| own.get(key) != Some(value))
        {
            changed.push("metadata".to_owned());
        }
        if !changed.is_empty() {
            users::update(draft, stored.id(), &fields)?;
            notes.step(Action::Update, "user", self.called(), changed.join(", "));
        }
        Ok(())
    }

    /// What is said, of the texts those that are wanted.
    fn fields(&self, mut wanted: impl FnMut(&str, &str) -> bool) -> UserFields {
        let mut chosen =
            |field: &str, said: &Said<String>| said.get().filter(|text| wanted(field, text)).cloned();
        let mut fields = UserFields {
            email: chosen("email", &self.email),
            external_id: chosen("external_id", &self.external_id).map(Some),
            metadata: self.metadata.get().cloned(),
            other: Map::new(),
        };
        for (field, said) in [("first_name", &self.first_name), ("last_name", &self.last_name)] {
            if let Some(text) = chosen(field, said) {
                fields.other.insert(field.to_owned(), text.into());
            }
        }
        fields
    }
}
