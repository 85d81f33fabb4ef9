//! Permissions, resource types, roles and resources.

use std::borrow::Cow;

use rowgate_graph::{Symbol, WarrantId};
use serde_json::Value;

use super::{Organization, Permission, Record, Resource, ResourceType, Role};
use crate::Result;
use crate::key::Key;
use crate::names::{self, relation};

impl<'a> Permission<'a> {
    /// What requests call it.
    pub fn slug(&self) -> Cow<'a, str> {
        names::decode(self.id()).unwrap_or_default()
    }

    /// The id that the API shows.
    pub fn wire_id(&self) -> String {
        self.key().id("perm")
    }

    /// The slug of the type that it is declared on.
    pub fn resource_type(&self) -> &'a str {
        self.text("type").unwrap_or(names::ORGANIZATION)
    }
}

impl<'a> ResourceType<'a> {
    /// What requests call it.
    pub fn slug(&self) -> Cow<'a, str> {
        names::decode(self.id()).unwrap_or_default()
    }

    /// The types that its resources can be under.
    pub fn parents(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let parents = self.meta("parents").and_then(Value::as_array);
        parents.into_iter().flatten().filter_map(Value::as_str)
    }
}

impl<'a> Role<'a> {
    /// What requests call it.
    pub fn slug(&self) -> Cow<'a, str> {
        let encoded = names::split_id(self.id()).map_or(self.id(), |(_, slug)| slug);
        names::decode(encoded).unwrap_or_default()
    }

    /// The id that the API shows.
    pub fn wire_id(&self) -> String {
        self.key().id("role")
    }

    /// Whether it is an organization's own.
    pub fn is_custom(&self) -> bool {
        names::split_id(self.id()).is_some()
    }

    /// The slug of the type on whose resources it can be assigned.
    pub fn resource_type(&self) -> &'a str {
        self.text("type").unwrap_or(names::ORGANIZATION)
    }

    /// The slugs of the permissions that it carries, in the order in which it got them.
    pub fn permissions(&self) -> Vec<String> {
        let read = self.read;
        let edges = read.graph.subjects(self.object()).all();
        let mut carried: Vec<(WarrantId, String)> = edges
            .filter_map(|edge| {
                Some((
                    edge.warrant(),
                    names::permission_slug(read.graph.name(edge.first()))?,
                ))
            })
            .collect();
        carried.sort_unstable();
        carried.into_iter().map(|(_, slug)| slug).collect()
    }

    /// Where it is assigned.
    pub(crate) fn grants(&self) -> impl Iterator<Item = Record<'a>> + use<'a> {
        let read = self.read;
        let edges = read.back(self.object(), relation::ROLE);
        edges.filter_map(move |edge| read.record(edge.other()))
    }
}

impl<'a> Resource<'a> {
    /// The slug of its type.
    pub fn resource_type(&self) -> &'a str {
        names::type_slug(self.type_name()).unwrap_or_default()
    }

    /// Whether it is an organization.
    pub fn is_root(&self) -> bool {
        self.type_name() == names::ORGANIZATION_TYPE
    }

    /// The id that the API shows.
    pub fn wire_id(&self) -> String {
        self.key().id("authz_resource")
    }

    /// The same for one that is only being created.
    pub(crate) fn wire_id_of(type_name: &str, id: &str, created_at: i64) -> String {
        Key::derived(created_at, &[type_name, id]).id("authz_resource")
    }

    /// Its place in lists.
    pub fn key(&self) -> Key {
        self.derived_key()
    }

    /// What the application calls it.
    pub fn external_id(&self) -> Cow<'a, str> {
        if self.is_root() {
            return Cow::Borrowed(Organization(self.0).external_id().unwrap_or(self.id()));
        }
        let encoded = names::split_id(self.id()).map_or("", |(_, encoded)| encoded);
        let stored = || Cow::Borrowed(self.text("external_id").unwrap_or_default());
        names::decode(encoded).unwrap_or_else(stored)
    }

    /// The organization that it belongs to.
    ///
    /// # Errors
    /// None, as long as what is stored is whole.
    pub fn organization(&self) -> Result<Organization<'a>> {
        let id = names::split_id(self.id()).map_or(self.id(), |(organization, _)| organization);
        self.read.organization(id)
    }

    /// What it is under; nothing for an organization.
    pub fn parent(&self) -> Option<Resource<'a>> {
        self.read.one(self.object(), relation::PARENT).map(Resource)
    }

    /// What is directly under it, oldest first.
    pub fn children(&self) -> impl Iterator<Item = Resource<'a>> + use<'a> {
        let read = self.read;
        let edges = read.back(self.object(), relation::PARENT);
        edges
            .filter_map(move |edge| read.record(edge.other()))
            .map(Resource)
    }

    /// Everything under it, and itself, each before what is under it.
    pub fn tree(&self) -> Vec<Resource<'a>> {
        let mut tree = vec![*self];
        let mut at = 0;
        while let Some(resource) = tree.get(at).copied() {
            tree.extend(resource.children());
            at += 1;
        }
        tree
    }

    /// The roles that are assigned on it.
    pub(crate) fn grants(&self) -> impl Iterator<Item = Record<'a>> + use<'a> {
        let read = self.read;
        let edges = read
            .graph
            .subjects(self.object())
            .with(read.symbol(relation::GRANT), Symbol::NONE);
        edges.filter_map(move |edge| read.record(edge.other()))
    }
}
