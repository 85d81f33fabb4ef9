//! What holds for an environment as a whole.

use serde_json::{Map, Value, json};

/// The role that a membership has when it is given none, unless the settings say otherwise.
pub const DEFAULT_ROLE: &str = "member";

/// An environment's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The slug of the role that a membership has when it is given none.
    pub default_role: String,
    /// Whether a membership can have more than one role on its organization.
    pub multiple_roles: bool,
    /// The slugs of the environment roles, the one with the highest priority first.
    pub role_order: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_role: DEFAULT_ROLE.into(),
            multiple_roles: true,
            role_order: vec![DEFAULT_ROLE.into()],
        }
    }
}

impl Settings {
    pub(crate) fn read(meta: Option<&Value>) -> Self {
        let Some(meta) = meta else { return Self::default() };
        let order = meta.get("role_order").and_then(Value::as_array);
        let slugs = order.into_iter().flatten().filter_map(Value::as_str);
        let default_role = meta.get("default_role").and_then(Value::as_str);
        Self {
            default_role: default_role.unwrap_or(DEFAULT_ROLE).to_owned(),
            multiple_roles: meta
                .get("multiple_roles")
                .and_then(Value::as_bool)
                .unwrap_or(true),
            role_order: slugs.map(str::to_owned).collect(),
        }
    }

    pub(crate) fn meta(&self) -> Map<String, Value> {
        let mut meta = Map::new();
        meta.insert("default_role".into(), json!(self.default_role));
        meta.insert("multiple_roles".into(), json!(self.multiple_roles));
        meta.insert("role_order".into(), json!(self.role_order));
        meta
    }
}
