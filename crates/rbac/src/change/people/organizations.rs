//! The organizations of a list.

use std::collections::BTreeMap;

use super::{Notes, Person, Said};
use crate::Result;
use crate::change::organizations::{self, OrganizationFields};
use crate::change::types::Action;
use crate::draft::Draft;
use crate::key::Key;
use crate::record::Organization;

/// What the id of an organization begins with.
const ID: &str = "org_";

/// The organizations that entries name, by how they name them.
#[derive(Default)]
pub(super) struct Organizations<'a> {
    all: Vec<Named<'a>>,
    by_name: BTreeMap<String, usize>,
    /// Those that are stored, by id.
    by_id: BTreeMap<&'a str, usize>,
}

struct Named<'a> {
    called: String,
    stored: Option<Organization<'a>>,
    name: Said<String>,
    /// Its id, once it has one.
    id: String,
}

impl<'a> Organizations<'a> {
    /// Notes the organization of an entry and returns its number.
    pub(super) fn add(&mut self, draft: &Draft<'a>, person: &Person, notes: &mut Notes) -> Option<usize> {
        let Some(called) = &person.organization else {
            if person.organization_name.is_some() {
                notes.wrong(
                    person.line,
                    "organization_name needs organization, its external id",
                );
            }
            return None;
        };
        let at = match self.by_name.get(called) {
            Some(at) => *at,
            None => self.find(draft, called, person.line, notes)?,
        };
        let named = &mut self.all[at];
        named.name.add(
            "organization_name",
            person.organization_name.as_ref(),
            person.line,
            notes,
        );
        Some(at)
    }

    fn find(&mut self, draft: &Draft<'a>, called: &str, line: usize, notes: &mut Notes) -> Option<usize> {
        // An id first: nobody else's external id stands in front of it.
        let by_id = draft.read.organization(called);
        let stored = by_id
            .or_else(|_| draft.read.organization_by_external_id(called))
            .ok();
        if stored.is_none() && called.starts_with(ID) && Key::of_id(called).is_some() {
            notes.wrong(line, format_args!("there is no organization '{called}'"));
            return None;
        }
        // By its id and by its external id it is the same.
        let id = stored.map(|stored| stored.id());
        let known = id.and_then(|id| self.by_id.get(id));
        let at = known.copied().unwrap_or_else(|| {
            self.all.push(Named {
                called: called.to_owned(),
                stored,
                name: Said::default(),
                id: id.unwrap_or_default().to_owned(),
            });
            self.all.len() - 1
        });
        self.by_id.extend(id.map(|id| (id, at)));
        self.by_name.insert(called.to_owned(), at);
        Some(at)
    }

    /// Creates those that are not there, and gives the others their names.
    pub(super) fn write(&mut self, draft: &mut Draft<'a>, notes: &mut Notes) -> Result<()> {
        for named in &mut self.all {
            let name = named.name.get().cloned();
            let mut fields = OrganizationFields {
                name: name.clone(),
                ..OrganizationFields::default()
            };
            match named.stored {
                None => {
                    fields.name = Some(name.unwrap_or_else(|| named.called.clone()));
                    fields.external_id = Some(Some(named.called.clone()));
                    named.id = organizations::create(draft, &fields, None)?;
                    let detail = format!("called {}", fields.name.unwrap_or_default());
                    notes.step(Action::Create, "organization", &named.called, detail);
                }
                Some(stored) if name.as_deref().is_some_and(|name| name != stored.name()) => {
                    organizations::update(draft, stored.id(), &fields)?;
                    let detail = format!("called {}", name.unwrap_or_default());
                    notes.step(Action::Update, "organization", &named.called, detail);
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    pub(super) fn numbers(&self) -> std::ops::Range<usize> {
        0..self.all.len()
    }

    /// How the list calls one.
    pub(super) fn called(&self, at: usize) -> &str {
        &self.all[at].called
    }

    /// The id of one, and what is stored of it.
    pub(super) fn get(&self, at: usize) -> (&str, Option<&Organization<'a>>) {
        (&self.all[at].id, self.all[at].stored.as_ref())
    }
}
