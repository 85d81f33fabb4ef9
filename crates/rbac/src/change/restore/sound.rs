//! The promises about the whole: the schema, the settings, and that everything belongs to something of its organization.

use rowgate_graph::Symbol;
use rowgate_schema::ast::{Schema, TypeDef};
use serde_json::{Map, Value};

use super::{kinds, refused};
use crate::change::types;
use crate::hierarchy::Hierarchy;
use crate::names::{self, relation};
use crate::read::Reader;
use crate::record::{Organization, Permission, Record, Resource, Role};
use crate::settings::Settings;
use crate::{Result, schema};

/// What is held against the promises.
pub(super) struct Whole<'a> {
    pub(super) read: Reader<'a>,
    pub(super) hierarchy: Hierarchy,
}

pub(super) fn check(read: Reader<'_>, stored: &Schema, settings: &Map<String, Value>) -> Result<()> {
    let whole = Whole {
        read,
        hierarchy: read.hierarchy(),
    };
    types::sound(&whole.hierarchy)?;
    whole.schema(stored)?;
    whole.settings(settings)?;
    kinds::check(&whole)
}

impl<'a> Whole<'a> {
    /// The reserved types are those of the types and permissions.
    fn schema(&self, stored: &Schema) -> Result<()> {
        let permissions = self.read.permissions();
        let permissions: Vec<(String, String)> = permissions
            .map(|one| (one.slug().into_owned(), one.resource_type().to_owned()))
            .collect();
        if let Some((slug, of)) = permissions.iter().find(|(_, of)| !self.hierarchy.has(of)) {
            return Err(refused(format!(
                "the type `{of}` of the permission `{slug}` does not exist"
            )));
        }
        let wanted = schema::with_types(stored, &self.hierarchy, &permissions);
        let same = |a: &TypeDef, b: &TypeDef| {
            let sorted = |ty: &TypeDef| {
                let mut ty = ty.clone();
                ty.relations.sort_by(|a, b| a.name.text.cmp(&b.name.text));
                ty
            };
            sorted(a) == sorted(b)
        };
        let of = |ty: &TypeDef| {
            stored
                .types
                .iter()
                .find(|known| known.name.text == ty.name.text)
                .cloned()
        };
        let differs = wanted
            .types
            .iter()
            .find(|ty| !of(ty).is_some_and(|known| same(&known, ty)));
        match differs {
            None if wanted.types.len() == stored.types.len() => Ok(()),
            None => Err(refused("there are reserved types without a resource type".into())),
            Some(ty) => Err(refused(format!(
                "the type `{}` of the schema is not that of the resource types and permissions",
                ty.name.text
            ))),
        }
    }

    fn settings(&self, settings: &Map<String, Value>) -> Result<()> {
        let read = Settings::read(Some(&Value::Object(settings.clone())));
        if read.meta() != *settings {
            return Err(refused("the settings are none".into()));
        }
        let default = self.read.environment_role(&read.default_role)?;
        if default.resource_type() != names::ORGANIZATION {
            return Err(refused("the default role is not one on organizations".into()));
        }
        Ok(())
    }

    /// What a record leads to by a relation, without a condition. It is one thing exactly.
    pub(super) fn one(&self, record: &Record<'a>, name: &str) -> Result<Record<'a>> {
        let mut edges = self
            .read
            .graph
            .subjects(record.object())
            .of(self.read.symbol(name));
        let (first, second) = (edges.next(), edges.next());
        let plain = first.filter(|edge| edge.second().is_none() && edge.policy().is_none());
        let found = plain.and_then(|edge| self.read.record(edge.other()));
        match (found, second) {
            (Some(found), None) => Ok(found),
            _ => Err(wrong(record, &format!("has not exactly one `{name}`"))),
        }
    }

    /// That it has no other relations than these.
    pub(super) fn only(&self, record: &Record<'a>, allowed: &[&str]) -> Result<()> {
        for edge in self.read.graph.subjects(record.object()).all() {
            let name = self.read.graph.name(edge.first());
            if !allowed.contains(&name) {
                return Err(wrong(record, &format!("has a `{name}`")));
            }
        }
        Ok(())
    }

    /// That it is in the lists of the environment.
    pub(super) fn listed(&self, record: &Record<'a>) -> Result<()> {
        let edges = self.read.graph.subjects(record.object());
        let mut edges = edges.of(self.read.symbol(relation::ENVIRONMENT));
        let anchor = (names::ENVIRONMENT, names::SELF);
        let found = edges.next().map(|edge| edge.other());
        let id = found.map(|object| self.read.graph.id_of(object));
        if id == Some(anchor.1) && edges.next().is_none() {
            return Ok(());
        }
        Err(wrong(record, "is in no list of the environment"))
    }

    /// That its id begins with that of an organization, and of which.
    pub(super) fn within(&self, record: &Record<'a>) -> Result<Organization<'a>> {
        let id = names::split_id(record.id()).map_or("", |(organization, _)| organization);
        let found = self.read.organization(id);
        found.map_err(|_| wrong(record, "belongs to no organization"))
    }

    /// What a permission's relation on a role stands for.
    pub(super) fn carries(&self, role: &Role<'a>, symbol: Symbol) -> Option<Permission<'a>> {
        let slug = names::permission_slug(self.read.graph.name(symbol))?;
        let permission = self.read.permission(&slug).ok()?;
        let reaches = self
            .hierarchy
            .reaches(role.resource_type(), permission.resource_type());
        reaches.then_some(permission)
    }
}

/// The organization of a resource, the organization itself included.
pub(super) fn of_resource<'a>(resource: &Resource<'a>) -> &'a str {
    names::split_id(resource.id()).map_or(resource.id(), |(organization, _)| organization)
}

pub(super) fn wrong(record: &Record<'_>, what: &str) -> crate::Error {
    refused(format!("`{}:{}` {what}", record.type_name(), record.id()))
}
