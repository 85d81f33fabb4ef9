//! The audit log: what a change grants, revokes, creates and deletes, and who did it.
//!
//! Entries are worked out from the very changes that are committed, and are committed with them. So nothing is granted without its entry,
//! and there is no entry of what did not take place.
//!
//! * `net`: what a list of changes comes to; `entries`: what is said of it; `about`: what the things in it are called; [`filter`]: finding entries again.

mod about;
mod entries;
pub mod filter;
mod net;

use serde_json::{Map, Value, json};

use crate::read::Reader;

pub use filter::{Filter, known_action};

/// Who changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// What kind of actor: `api_key`, or `process` for a change from within this process.
    pub kind: &'static str,
    /// The id of the key.
    pub id: Option<String>,
    /// What people call the key.
    pub name: Option<String>,
    /// On whose behalf, as the holder of the key says.
    pub on_behalf_of: Option<String>,
    /// The id of the request.
    pub request_id: Option<String>,
}

impl Default for Actor {
    fn default() -> Self {
        Self {
            kind: "process",
            id: None,
            name: None,
            on_behalf_of: None,
            request_id: None,
        }
    }
}

impl Actor {
    /// An entry about something that this actor did.
    pub fn entry(&self, action: &str, about: Map<String, Value>) -> String {
        let mut actor = Map::new();
        actor.insert("type".into(), self.kind.into());
        for (field, value) in [
            ("id", &self.id),
            ("name", &self.name),
            ("on_behalf_of", &self.on_behalf_of),
        ] {
            if let Some(value) = value {
                actor.insert(field.into(), value.as_str().into());
            }
        }
        let mut entry = Map::new();
        entry.insert("action".into(), action.into());
        entry.insert("actor".into(), actor.into());
        entry.insert("request_id".into(), json!(self.request_id));
        entry.extend(about);
        Value::Object(entry).to_string()
    }
}

/// The entries about a list of changes to a revision.
pub(crate) fn entries(read: Reader<'_>, changes: &[rowgate_store::Change], actor: &Actor) -> Vec<String> {
    let all = net::Net::of(read, changes).entries();
    all.into_iter()
        .map(|(action, about)| actor.entry(action, about))
        .collect()
}
