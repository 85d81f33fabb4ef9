//! Organizations, resource types, roles, permissions and assignments, as types and warrants of the decision core.
//!
//! One engine. This crate has the translation and nothing that decides: a check of the authorization API is a check of the engine, its
//! lists are queries of the engine, and whatever else the engine can do works on what is stored here.
//!
//! # How it is stored
//!
//! Everything is a resource or a warrant of the environment's own graph, under type names that begin with `authz-`
//! ([`rowgate_environment::reserved`]). There is no second store and no index beside the graph, so there is nothing that could disagree
//! with it.
//!
//! ```text
//! authz--role:editor         # may_projectCedit @ authz--membership:*            editor carries project:edit
//! authz--grant:grant_…       # role             @ authz--role:editor             a grant: editor …
//! authz-workspace:org_1/w1   # grant            @ authz--grant:grant_…           … on the workspace w1 …
//! authz--grant:grant_…       # member           @ authz--membership:om_1         … for om_1
//! authz--grant:grant_…       # member           @ authz--group:group_1#member    … and for a group
//! authz-project:org_1/p1     # parent           @ authz-workspace:org_1/w1
//! ```
//!
//! so that `authz-project:org_1/p1 # may_projectCedit @ authz--membership:om_1` holds by the rules that [`schema`](self) gives every
//! type: by a grant on the resource whose members include the subject *and* whose role carries the permission, or on the parent.
//!
//! * **Roles are resources, not relations.** Changing what a role carries, or creating one of the thousands that organizations have of their
//!   own, writes a warrant. The schema has a relation for each permission and changes only with types and permissions; what
//!   row-level security compiles from it stays valid when a role changes.
//! * **A grant is a role on a resource**, shared by everybody who has it there, and exists as long as somebody has. It is what keeps
//!   "is a member" and "carries the permission" about the same role.
//! * **Organizations do not touch.** A resource's id begins with that of its organization, a parent is looked up within it, a custom role
//!   lives under it. There is no way to write an edge from one organization into another.
//! * **An inactive membership holds nothing.** Its warrants are rewritten from `member` to `parked` and back, so every way of asking agrees.
//! * **Ids that need not be stored are not.** See [`Key`].
//!
//! # Layout
//!
//! * [`names`]: what things are called in the graph; [`key`](Key): ids and their order.
//! * `schema`, [`hierarchy`]: types and permissions as rules.
//! * [`read`], [`record`], [`assignment`], [`settings`], [`condition`]: what is stored.
//! * [`ask`]: check, effective permissions, lists of resources and memberships; [`session`]: what a token says.
//! * [`rows`]: resources that are rows of the application's tables.
//! * [`change`]: what can be changed; [`draft`]: a change in the making; `grant`: who has which role where.
//! * [`audit`]: what a change grants and revokes, and who did it.
//! * [`input`], [`page`]: the form of requests; [`error`](Error): why one is refused.

pub mod ask;
pub mod assignment;
pub mod audit;
pub mod change;
pub mod condition;
pub mod draft;
mod error;
mod grant;
pub mod hierarchy;
pub mod input;
mod key;
pub mod names;
pub mod page;
pub mod read;
pub mod record;
pub mod rows;
mod schema;
pub mod session;
pub mod settings;

pub use assignment::{Assignment, GroupAssignment};
pub use audit::Actor;
pub use draft::{Draft, Removed, apply, write};
pub use error::{Error, FieldError, Result};
pub use key::Key;
pub use read::{Reader, Target};
