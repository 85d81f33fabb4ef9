//! What a group of commits does to the rows, taken together: each row is written once, however often it changes in between.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{Change, Commit, WarrantKey};

/// The name of a resource: type and id.
pub(super) type Name<'a> = (&'a str, &'a str);

/// The combined effect of commits. What is deleted is deleted first, then what is created is created.
#[derive(Debug, Default)]
pub(super) struct Net<'a> {
    /// The last schema.
    pub(super) schema: Option<&'a str>,
    /// The last bindings.
    pub(super) bindings: Option<Option<&'a str>>,
    /// Resources to delete with the warrants that name them.
    pub(super) deleted: BTreeSet<Name<'a>>,
    /// Resources to create, or to change the metadata of.
    pub(super) resources: BTreeMap<Name<'a>, Resource<'a>>,
    /// Warrants to delete.
    pub(super) deleted_warrants: BTreeSet<&'a WarrantKey>,
    /// Warrants to create, with their times.
    pub(super) warrants: BTreeMap<&'a WarrantKey, i64>,
    /// Those of `warrants` that name a resource.
    naming: HashMap<Name<'a>, Vec<&'a WarrantKey>>,
}

/// A resource that will be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resource<'a> {
    /// Its time, unless it was there before.
    pub(super) created_at: i64,
    /// Its metadata, if that is replaced.
    pub(super) meta: Option<Option<&'a str>>,
}

impl<'a> Net<'a> {
    pub(super) fn of(commits: &'a [Commit]) -> Net<'a> {
        let mut net = Net::default();
        for change in commits.iter().flat_map(|commit| &commit.changes) {
            net.add(change);
        }
        net
    }

    fn add(&mut self, change: &'a Change) {
        match change {
            Change::Schema { json } => self.schema = Some(json),
            Change::Bindings { json } => self.bindings = Some(json.as_deref()),
            Change::PutResource {
                resource_type,
                resource_id,
                meta,
                created_at,
            } => {
                let name = (resource_type.as_str(), resource_id.as_str());
                self.ensure(name, *created_at).meta = Some(meta.as_deref());
            }
            Change::DeleteResource {
                resource_type,
                resource_id,
            } => self.delete_resource((resource_type, resource_id)),
            Change::CreateWarrant(warrant) => {
                let key = &warrant.key;
                self.warrants.entry(key).or_insert(warrant.created_at);
                for name in [resource_of(key), subject_of(key)] {
                    self.naming.entry(name).or_default().push(key);
                    // The wildcard is no resource.
                    if name.1 != "*" {
                        self.ensure(name, warrant.created_at);
                    }
                }
            }
            Change::DeleteWarrant(key) => {
                self.warrants.remove(key);
                self.deleted_warrants.insert(key);
            }
            Change::Audit { .. } => {}
        }
    }

    fn ensure(&mut self, name: Name<'a>, created_at: i64) -> &mut Resource<'a> {
        self.resources.entry(name).or_insert(Resource {
            created_at,
            meta: None,
        })
    }

    fn delete_resource(&mut self, name: Name<'a>) {
        self.deleted.insert(name);
        self.resources.remove(&name);
        for key in self.naming.remove(&name).unwrap_or_default() {
            self.warrants.remove(key);
            // It may have been there before these commits as well as in between.
            self.deleted_warrants.insert(key);
        }
    }

    /// Whether it replaces a document, for which nobody may be writing warrants.
    pub(super) fn replaces_documents(&self) -> bool {
        self.schema.is_some() || self.bindings.is_some()
    }

    /// Whether it writes this warrant, or deletes a resource that it names.
    pub(super) fn touches(&self, key: &WarrantKey) -> bool {
        self.warrants.contains_key(key)
            || self.deleted_warrants.contains(key)
            || self.deleted.contains(&resource_of(key))
            || self.deleted.contains(&subject_of(key))
    }
}

pub(super) fn resource_of(key: &WarrantKey) -> Name<'_> {
    (&key.resource_type, &key.resource_id)
}

pub(super) fn subject_of(key: &WarrantKey) -> Name<'_> {
    (&key.subject_type, &key.subject_id)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may say what must hold by panicking")]
mod tests {
    use super::*;
    use crate::{EnvironmentId, Revision, Warrant};

    fn key(resource: &str, subject: &str) -> WarrantKey {
        WarrantKey {
            resource_type: "t".into(),
            resource_id: resource.into(),
            relation: "r".into(),
            subject_type: "u".into(),
            subject_id: subject.into(),
            subject_relation: None,
            policy: None,
        }
    }

    fn create(resource: &str, subject: &str, created_at: i64) -> Change {
        Change::CreateWarrant(Warrant {
            key: key(resource, subject),
            created_at,
        })
    }

    fn delete(kind: &str, id: &str) -> Change {
        Change::DeleteResource {
            resource_type: kind.into(),
            resource_id: id.into(),
        }
    }

    fn commits(changes: Vec<Change>) -> Vec<Commit> {
        let commit = |(revision, change)| Commit {
            environment: EnvironmentId(1),
            revision: Revision::from_u64(revision),
            at: 0,
            changes: vec![change],
        };
        (1..).zip(changes).map(commit).collect()
    }

    #[test]
    fn a_warrant_that_was_made_anew_has_the_later_time() {
        let all = commits(vec![
            create("1", "a", 5),
            Change::DeleteWarrant(key("1", "a")),
            create("1", "a", 9),
            create("1", "a", 12),
        ]);
        let net = Net::of(&all);
        assert_eq!(net.warrants[&key("1", "a")], 9);
        assert!(net.deleted_warrants.contains(&key("1", "a")));
        assert_eq!(net.resources[&("u", "a")].created_at, 5);
    }

    #[test]
    fn a_deleted_resource_takes_its_warrants_along_and_nothing_later() {
        let all = commits(vec![
            create("1", "a", 1),
            create("2", "a", 2),
            create("2", "b", 3),
            delete("u", "a"),
            create("2", "a", 4),
        ]);
        let net = Net::of(&all);
        let (both, left): (Vec<_>, Vec<_>) = net.warrants.iter().map(|(key, at)| (*key, *at)).unzip();
        assert_eq!(both, [&key("2", "a"), &key("2", "b")]);
        assert_eq!(left, [4, 3]);
        assert_eq!(net.resources[&("u", "a")].created_at, 4);
        assert_eq!(net.resources[&("t", "1")].created_at, 1);
        assert!(net.touches(&key("7", "a")) && !net.touches(&key("7", "b")));
    }

    #[test]
    fn metadata_is_the_last_and_the_time_the_first() {
        let put = |meta: Option<&str>, created_at| Change::PutResource {
            resource_type: "t".into(),
            resource_id: "1".into(),
            meta: meta.map(str::to_owned),
            created_at,
        };
        let all = commits(vec![create("1", "*", 3), put(Some("{}"), 7), put(None, 8)]);
        let net = Net::of(&all);
        let expected = Resource {
            created_at: 3,
            meta: Some(None),
        };
        assert_eq!(net.resources[&("t", "1")], expected);
        assert!(
            !net.resources.contains_key(&("u", "*")),
            "the wildcard is no resource"
        );
    }
}
