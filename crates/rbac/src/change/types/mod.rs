//! Types as code: resource types, permissions and environment roles as one document, compared with what there is and applied at once.
//!
//! * `sense`: whether a document makes sense; `steps`: what it changes.

mod sense;
mod steps;

pub(crate) use sense::sound;

use crate::Result;
use crate::draft::Draft;
use crate::read::Reader;
use crate::record::Role;

/// Most levels of types, the organization included.
pub const MAX_DEPTH: usize = 32;

/// Most resource types.
pub const MAX_TYPES: usize = 100;

/// What an environment is to have.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Types {
    /// Resource types.
    pub types: Vec<TypeEntry>,
    /// Permissions.
    pub permissions: Vec<PermissionEntry>,
    /// Environment roles, the one with the highest priority first.
    pub roles: Vec<RoleEntry>,
    /// The role that a membership has when it is given none.
    pub default_role: Option<String>,
    /// Whether a membership can have more than one role on its organization.
    pub multiple_roles: Option<bool>,
}

/// A resource type.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeEntry {
    /// What requests call it.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// The types that its resources can be under.
    pub parents: Vec<String>,
}

/// A permission.
#[derive(Debug, Clone, PartialEq)]
pub struct PermissionEntry {
    /// What requests call it.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The type that it is declared on.
    pub resource_type: String,
}

/// A role.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleEntry {
    /// What requests call it.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The type on whose resources it can be assigned.
    pub resource_type: String,
    /// The permissions that it carries.
    pub permissions: Vec<String>,
}

/// What is done to one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is created.
    Create,
    /// It is changed.
    Update,
    /// It is deleted.
    Delete,
    /// It is not in the document and stays, because nothing was said about deleting.
    Keep,
}

impl Action {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Keep => "keep",
        }
    }
}

/// One line of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// `resource_type`, `permission`, `role` or `settings`.
    pub kind: &'static str,
    /// To which.
    pub slug: String,
    /// In words, for a change.
    pub detail: String,
}

impl Types {
    /// What an environment has.
    pub fn of(read: Reader<'_>) -> Self {
        let description = |text: Option<&str>| text.map(str::to_owned);
        let settings = read.settings();
        Self {
            types: read
                .resource_types()
                .map(|ty| TypeEntry {
                    slug: ty.slug().into_owned(),
                    name: ty.name().to_owned(),
                    description: description(ty.description()),
                    parents: ty.parents().map(str::to_owned).collect(),
                })
                .collect(),
            permissions: read
                .permissions()
                .map(|permission| PermissionEntry {
                    slug: permission.slug().into_owned(),
                    name: permission.name().to_owned(),
                    description: description(permission.description()),
                    resource_type: permission.resource_type().to_owned(),
                })
                .collect(),
            roles: read.environment_roles().iter().map(RoleEntry::of).collect(),
            default_role: Some(settings.default_role),
            multiple_roles: Some(settings.multiple_roles),
        }
    }
}

impl RoleEntry {
    fn of(role: &Role<'_>) -> Self {
        Self {
            slug: role.slug().into_owned(),
            name: role.name().to_owned(),
            description: role.description().map(str::to_owned),
            resource_type: role.resource_type().to_owned(),
            permissions: role.permissions(),
        }
    }
}

/// Makes an environment have what the document says, and says what was done. With `prune`, what the document does not mention is
/// deleted, unless something depends on it.
///
/// # Errors
/// 422 for a document that makes no sense, 409 for a change that would leave resources, roles or assignments without ground.
pub fn apply(draft: &mut Draft<'_>, wanted: &Types, prune: bool) -> Result<Vec<Step>> {
    super::setup::ensure(draft)?;
    let before = Types::of(draft.read);
    let hierarchy = sense::hierarchy(draft.read, wanted, prune)?;
    let mut plan = Vec::new();
    let slugs = sense::permissions_and_roles(&before, wanted, &hierarchy, prune)?;
    sense::still_reached(draft.read, wanted, &hierarchy, &slugs)?;
    steps::types(draft, &before, wanted, prune, &mut plan)?;
    let permission_steps = steps::permission_steps(&before, wanted, prune);
    for step in &permission_steps {
        steps::permission(draft, wanted, step);
    }
    plan.extend(permission_steps);
    let role_steps = steps::role_steps(draft, &before, wanted, prune)?;
    plan.extend(role_steps);
    steps::settings(draft, &before, wanted, prune, &mut plan)?;
    let permissions: Vec<(String, String)> = slugs.into_iter().collect();
    draft.set_schema(&hierarchy, &permissions);
    Ok(plan)
}
