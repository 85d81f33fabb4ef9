//! Warrants in memory: interned, adjacent in both directions, in immutable snapshots.
//!
//! The writer holds a [`Graph`] and changes it; readers hold a [`Snapshot`], which never changes and costs a few reference
//! counts to take. Nothing here locks, reads a clock, or does IO by itself.
//!
//! # Layout
//!
//! * [`graph`]: the writable state; what each change does.
//! * [`snapshot`]: the readable state.
//! * [`codec`]: the encoded form, for fast starts.
//! * `objects`, `by_type`, `lookup`: resources by number, by type and by name.
//! * `adjacency`, `hub`, `edge`: the edges at a resource, from either end; `edges`: how they are read.
//! * `warrants`, `policies`, `names`: the other tables.
//! * `cow`: the persistent vector under all of them.

mod adjacency;
mod by_type;
pub mod codec;
mod cow;
mod edge;
mod edges;
mod error;
pub mod graph;
mod hub;
mod ids;
mod lookup;
mod names;
mod objects;
mod policies;
pub mod snapshot;
mod warrants;

pub use edge::Edge;
pub use edges::{EdgeRange, Edges};
pub use error::GraphError;
pub use graph::{Graph, Place, Tuple};
pub use ids::{ObjectId, PolicyId, Symbol, WarrantId};
pub use objects::Resource;
pub use policies::WarrantPolicy;
pub use snapshot::{GroupKind, Snapshot, Sought};
pub use warrants::WarrantRef;
