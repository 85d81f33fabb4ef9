//! The data: users in nested groups, a tree of folders, documents with an owner, a parent, a group of viewers and now and then
//! a banned user.
//!
//! It is kept as plain numbers, which is also the reference every contender's answers are held against: [`World::can_view`]
//! is written from the rule and knows nothing of any engine.

use crate::rng::Rng;

/// No such thing.
const NONE: u32 = u32::MAX;

/// Users per unit of scale.
pub const USERS: u32 = 1_000;
/// Groups per unit of scale.
pub const GROUPS: u32 = 100;
/// Folders per unit of scale.
pub const FOLDERS: u32 = 500;
/// Documents per unit of scale.
pub const DOCUMENTS: u32 = 10_000;

/// Rowgate's schema of the data.
pub const SCHEMA: &str = include_str!("schema.txt");

/// A type of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A person.
    User,
    /// People and other groups.
    Group,
    /// A place for documents and folders.
    Folder,
    /// What it is all about.
    Document,
}

impl Kind {
    /// The type's name.
    pub fn name(self) -> &'static str {
        match self {
            Kind::User => "user",
            Kind::Group => "group",
            Kind::Folder => "folder",
            Kind::Document => "document",
        }
    }

    /// The id of the resource with that number. Ids do not sort like numbers: a list in order of ids has to be sorted.
    pub fn id(self, number: u32) -> String {
        let prefix = match self {
            Kind::User => "usr",
            Kind::Group => "grp",
            Kind::Folder => "fld",
            Kind::Document => "doc",
        };
        // An odd factor: different numbers keep different ids.
        format!("{prefix}_{:08x}", number.wrapping_mul(0x9E37_79B1))
    }
}

/// A warrant in numbers.
#[derive(Debug, Clone, Copy)]
pub struct Fact {
    /// What it is on.
    pub resource: (Kind, u32),
    /// The relation it grants.
    pub relation: &'static str,
    /// Who gets it.
    pub subject: (Kind, u32),
    /// The subject's relation, for a group.
    pub subject_relation: Option<&'static str>,
}

/// The data.
#[derive(Debug)]
pub struct World {
    /// By user: the groups of which they are members.
    memberships: Vec<[u32; 3]>,
    /// By group: the group whose members its members are.
    within: Vec<u32>,
    /// By group: the groups inside it.
    inside: Vec<Vec<u32>>,
    /// By group: its direct members.
    members: Vec<Vec<u32>>,
    folder_viewer: Vec<u32>,
    owner: Vec<u32>,
    parent: Vec<u32>,
    viewer: Vec<u32>,
    banned: Vec<u32>,
}

impl World {
    /// The data of that size: 34,518 warrants for each unit of scale.
    pub fn new(scale: u32) -> Self {
        let mut rng = Rng::new(0x726f_7767_6174_6500);
        let (users, groups, folders) = (USERS * scale, GROUPS * scale, FOLDERS * scale);
        let documents = DOCUMENTS * scale;
        let three = |rng: &mut Rng| loop {
            let some = [rng.below(groups), rng.below(groups), rng.below(groups)];
            if some[0] != some[1] && some[0] != some[2] && some[1] != some[2] {
                return some;
            }
        };
        let memberships: Vec<[u32; 3]> = (0..users).map(|_| three(&mut rng)).collect();
        let nest = |group: u32, rng: &mut Rng| {
            if group > 0 && group.is_multiple_of(5) {
                rng.below(group)
            } else {
                NONE
            }
        };
        let within: Vec<u32> = (0..groups).map(|group| nest(group, &mut rng)).collect();
        let mut list = |len: u32, bound: u32| -> Vec<u32> { (0..len).map(|_| rng.below(bound)).collect() };
        let folder_viewer = list(folders, groups);
        let owner = list(documents, users);
        let parent = list(documents, folders);
        let viewer = list(documents, groups);
        let mut banned = list(documents, users);
        banned
            .iter_mut()
            .enumerate()
            .filter(|(document, _)| document % 20 != 7)
            .for_each(|(_, user)| *user = NONE);
        let mut members = vec![Vec::new(); groups as usize];
        for (user, of) in memberships.iter().enumerate() {
            of.iter()
                .for_each(|group| members[*group as usize].push(user as u32));
        }
        let mut inside = vec![Vec::new(); groups as usize];
        for (group, outer) in within.iter().enumerate().filter(|(_, outer)| **outer != NONE) {
            inside[*outer as usize].push(group as u32);
        }
        Self {
            memberships,
            within,
            inside,
            members,
            folder_viewer,
            owner,
            parent,
            viewer,
            banned,
        }
    }

    /// How many documents there are.
    pub fn documents(&self) -> u32 {
        self.owner.len() as u32
    }

    /// How many users there are.
    pub fn users(&self) -> u32 {
        self.memberships.len() as u32
    }

    /// The owner of a document.
    pub fn owner(&self, document: u32) -> u32 {
        self.owner[document as usize]
    }

    /// Every warrant: groups first, then folders from the root down, then documents.
    pub fn facts(&self, mut visit: impl FnMut(Fact)) {
        use Kind::{Document, Folder, Group, User};
        let mut fact = |resource, relation, subject, subject_relation| {
            visit(Fact {
                resource,
                relation,
                subject,
                subject_relation,
            });
        };
        for (user, groups) in (0..).zip(&self.memberships) {
            groups
                .iter()
                .for_each(|group| fact((Group, *group), "member", (User, user), None));
        }
        for (group, outer) in (0..).zip(&self.within).filter(|(_, outer)| **outer != NONE) {
            fact((Group, *outer), "member", (Group, group), Some("member"));
        }
        for (folder, viewer) in (0..).zip(&self.folder_viewer) {
            if let Some(parent) = parent_folder(folder) {
                fact((Folder, folder), "parent", (Folder, parent), None);
            }
            fact((Folder, folder), "viewer", (Group, *viewer), Some("member"));
        }
        for document in 0..self.documents() {
            let at = document as usize;
            fact((Document, document), "owner", (User, self.owner[at]), None);
            fact((Document, document), "parent", (Folder, self.parent[at]), None);
            fact(
                (Document, document),
                "viewer",
                (Group, self.viewer[at]),
                Some("member"),
            );
            if self.banned[at] != NONE {
                fact((Document, document), "banned", (User, self.banned[at]), None);
            }
        }
    }

    /// The groups a user belongs to, directly or not, sorted.
    pub fn groups_of(&self, user: u32) -> Vec<u32> {
        let mut groups = Vec::new();
        for mut group in self.memberships[user as usize] {
            while group != NONE {
                groups.push(group);
                group = self.within[group as usize];
            }
        }
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// Whether the rule says yes.
    pub fn can_view(&self, document: u32, user: u32) -> bool {
        let at = document as usize;
        if self.banned[at] == user {
            return false;
        }
        let groups = self.groups_of(user);
        let in_group = |group: u32| groups.binary_search(&group).is_ok();
        let mut folders = std::iter::successors(Some(self.parent[at]), |folder| parent_folder(*folder));
        self.owner[at] == user
            || in_group(self.viewer[at])
            || folders.any(|folder| in_group(self.folder_viewer[folder as usize]))
    }

    /// Every document that a user can view.
    pub fn documents_of(&self, user: u32) -> Vec<u32> {
        let groups = self.groups_of(user);
        let in_group = |group: u32| groups.binary_search(&group).is_ok();
        let mut open: Vec<bool> = Vec::with_capacity(self.folder_viewer.len());
        for (folder, viewer) in (0..).zip(&self.folder_viewer) {
            let by_parent = parent_folder(folder).is_some_and(|parent| open[parent as usize]);
            open.push(by_parent || in_group(*viewer));
        }
        let visible = |document: &u32| {
            let at = *document as usize;
            let granted =
                self.owner[at] == user || in_group(self.viewer[at]) || open[self.parent[at] as usize];
            granted && self.banned[at] != user
        };
        (0..self.documents()).filter(visible).collect()
    }

    /// Somebody who probably can view the document: the owner, or a member of a group on it or on a folder above it.
    pub fn likely_viewer(&self, document: u32, rng: &mut Rng) -> u32 {
        let at = document as usize;
        let above = std::iter::successors(Some(self.parent[at]), |folder| parent_folder(*folder));
        let mut groups: Vec<u32> = above.map(|folder| self.folder_viewer[folder as usize]).collect();
        groups.push(self.viewer[at]);
        let mut group = rng.pick(&groups);
        while !self.inside[group as usize].is_empty() && rng.below(2) == 0 {
            group = rng.pick(&self.inside[group as usize]);
        }
        let members = &self.members[group as usize];
        if members.is_empty() || rng.below(8) == 0 {
            self.owner[at]
        } else {
            rng.pick(members)
        }
    }
}

/// The tree of folders has four in each.
fn parent_folder(folder: u32) -> Option<u32> {
    folder.checked_sub(1).map(|before| before / 4)
}
