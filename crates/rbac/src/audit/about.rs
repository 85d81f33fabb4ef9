//! What things are called, whether they are stored already or only being created.

use std::collections::BTreeMap;

use rowgate_store::{Change, WarrantKey};
use serde_json::{Map, Value, json};

use crate::names::{self, relation};
use crate::read::Reader;
use crate::record::Resource;

/// Type and id in the graph.
pub(super) type Name<'c> = (&'c str, &'c str);

/// A thing that is put: its metadata and when it was created.
struct Put<'c> {
    meta: Option<&'c str>,
    created_at: i64,
}

/// Names of things as of before the changes, and of what the changes create.
pub(super) struct About<'c> {
    read: Reader<'c>,
    put: BTreeMap<Name<'c>, Put<'c>>,
    /// What the changes link things to, by the thing and the relation.
    linked: BTreeMap<(Name<'c>, &'c str), Name<'c>>,
    /// The resources of grants that the changes create.
    granted_on: BTreeMap<&'c str, Name<'c>>,
}

impl<'c> About<'c> {
    pub(super) fn new(read: Reader<'c>, changes: &'c [Change]) -> Self {
        let mut about = Self {
            read,
            put: BTreeMap::new(),
            linked: BTreeMap::new(),
            granted_on: BTreeMap::new(),
        };
        for change in changes {
            match change {
                Change::PutResource {
                    resource_type,
                    resource_id,
                    meta,
                    created_at,
                } => {
                    let put = Put {
                        meta: meta.as_deref(),
                        created_at: *created_at,
                    };
                    about.put.insert((resource_type, resource_id), put);
                }
                Change::CreateWarrant(warrant) => about.link(&warrant.key),
                _ => {}
            }
        }
        about
    }

    fn link(&mut self, key: &'c WarrantKey) {
        let (from, to) = (
            (key.resource_type.as_str(), key.resource_id.as_str()),
            (key.subject_type.as_str(), key.subject_id.as_str()),
        );
        match key.relation.as_str() {
            relation::GRANT => {
                self.granted_on.insert(to.1, from);
            }
            to_one @ (relation::ROLE | relation::USER | relation::ORGANIZATION) => {
                self.linked.insert((from, to_one), to);
            }
            _ => {}
        }
    }

    /// The id of what a thing is linked to.
    fn one(&self, from: Name<'c>, relation: &'static str) -> Option<&'c str> {
        let stored = || {
            let from = self.read.find(from.0, from.1)?;
            Some(self.read.one(from.object(), relation)?.id())
        };
        let linked = self.linked.get(&(from, relation));
        linked.map(|(_, id)| *id).or_else(stored)
    }

    pub(super) fn meta_after(&self, name: Name<'c>) -> Value {
        let put = self.put.get(&name).and_then(|put| put.meta);
        put.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }

    /// Which membership, whose and where.
    pub(super) fn membership(&self, id: &'c str) -> Map<String, Value> {
        let this = (names::MEMBERSHIP, id);
        fields([
            ("organization_id", self.one(this, relation::ORGANIZATION).into()),
            ("organization_membership_id", id.into()),
            ("user_id", self.one(this, relation::USER).into()),
        ])
    }

    /// Which group, and where.
    pub(super) fn group(&self, id: &'c str) -> Map<String, Value> {
        let organization = self.one((names::GROUP, id), relation::ORGANIZATION);
        fields([("organization_id", organization.into()), ("group_id", id.into())])
    }

    /// Which role, and of which organization if it is one's own.
    pub(super) fn role(&self, id: &str) -> Map<String, Value> {
        let (organization, slug) = match names::split_id(id) {
            Some((organization, slug)) => (Some(organization), slug),
            None => (None, id),
        };
        let mut about = Map::new();
        if let Some(organization) = organization {
            about.insert("organization_id".into(), organization.into());
        }
        about.insert("role_slug".into(), slug_of(slug));
        about
    }

    /// Which role a grant is of, and on which resource.
    pub(super) fn grant(&self, id: &'c str) -> Map<String, Value> {
        let stored = || {
            let grant = self.read.find(names::GRANT, id)?;
            let resource = self.read.back(grant.object(), relation::GRANT).next()?;
            let resource = self.read.record(resource.other())?;
            Some((resource.type_name(), resource.id()))
        };
        let resource = self.granted_on.get(id).copied().or_else(stored);
        let role = self.one((names::GRANT, id), relation::ROLE);
        let mut about = role.map(|role| self.role(role)).unwrap_or_default();
        about.extend(resource.map(|name| self.resource(name)).unwrap_or_default());
        about
    }

    /// Which resource, and of which organization.
    pub(super) fn resource(&self, name: Name<'c>) -> Map<String, Value> {
        let organization = names::split_id(name.1).map_or(name.1, |(organization, _)| organization);
        fields([
            ("organization_id", organization.into()),
            ("resource", self.resource_names(name)),
        ])
    }

    pub(super) fn resource_names(&self, name: Name<'c>) -> Value {
        let slug = names::type_slug(name.0);
        let stored = self.read.find(name.0, name.1).map(Resource);
        let (external_id, id) = match (stored, self.put.get(&name)) {
            (Some(stored), _) => (stored.external_id().into_owned(), stored.wire_id()),
            (None, Some(put)) => {
                let id = Resource::wire_id_of(name.0, name.1, put.created_at);
                (self.new_external_id(name), id)
            }
            (None, None) => return Value::Null,
        };
        json!({"type_slug": slug, "external_id": external_id, "id": id})
    }

    /// What the application calls a resource that is being created.
    fn new_external_id(&self, name: Name<'c>) -> String {
        let decoded = names::split_id(name.1).and_then(|(_, encoded)| names::decode(encoded));
        decoded.map_or_else(
            || {
                let meta = self.meta_after(name);
                let said = meta.get("external_id").and_then(Value::as_str);
                said.unwrap_or(name.1).to_owned()
            },
            |decoded| decoded.into_owned(),
        )
    }
}

/// A slug that an id is made of.
pub(super) fn slug_of(id: &str) -> Value {
    names::decode(id).map_or(Value::Null, |slug| slug.into_owned().into())
}

pub(super) fn fields<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
