//! `rowgate authz audit`

use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::Session;
use crate::client::Ask;
use crate::client::pages::Order;
use crate::failure::Result;
use crate::output;

const PATH: [&str; 4] = ["rowgate", "v1", "authorization", "audit"];

/// Entries that one request asks for at most.
const PAGE: usize = 1_000;

/// Print who granted and revoked what. Filters that are given all have to match.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: rowgate authz audit --membership om_01… --action role_assignment\nWith --json, each entry is an object on a line of its own."
)]
pub struct Audit {
    /// By whom: the name or the id of an API key, or on whose behalf
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// What was done, such as `role_assignment.created`; `role_assignment` stands for all of its kind
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// In which organization
    #[arg(long, visible_alias = "organization", value_name = "ID")]
    org: Option<String>,
    /// About which membership
    #[arg(long, value_name = "ID")]
    membership: Option<String>,
    /// About which user
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// About which group
    #[arg(long, value_name = "ID")]
    group: Option<String>,
    /// About which role
    #[arg(long, value_name = "SLUG")]
    role: Option<String>,
    /// On which resource: its id, or TYPE:EXTERNAL_ID
    #[arg(long, value_name = "RESOURCE")]
    resource: Option<String>,
    /// By which request
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// At most this many entries
    #[arg(long, value_name = "N", default_value_t = 100, conflicts_with = "all", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// All entries
    #[arg(long)]
    all: bool,
    /// Entries after this one
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    /// In which order
    #[arg(long, value_enum, default_value = "desc")]
    order: Order,
}

impl Audit {
    pub(super) fn run(&self, session: &Session) -> Result {
        let client = session.client()?;
        let mut left = if self.all { usize::MAX } else { self.limit as usize };
        let mut after = self.after.clone().unwrap_or_default();
        let given = self.filters();
        let mut found = false;
        while left > 0 {
            let limit = left.min(PAGE).to_string();
            let mut query: Vec<(&str, &str)> = given
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            query.extend([
                ("limit", limit.as_str()),
                ("after", after.as_str()),
                ("order", self.order.word()),
            ]);
            let page = client.get(&Ask {
                path: &PATH,
                query: &query,
                ..Ask::default()
            })?;
            let entries = page
                .get("data")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            left = left.saturating_sub(entries.len());
            found |= !entries.is_empty();
            for entry in &entries {
                output::line(if session.json() {
                    entry.to_string()
                } else {
                    sentence(entry)
                })?;
            }
            match page.pointer("/list_metadata/after").and_then(Value::as_str) {
                Some(next) => next.clone_into(&mut after),
                None => break,
            }
        }
        if !found && !session.json() {
            output::note("nothing found");
            self.hints().iter().for_each(|hint| output::warn(hint));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Values that do not look like the ids that entries have.
    fn hints(&self) -> Vec<String> {
        let ids = [
            ("--org", &self.org, "org_"),
            ("--membership", &self.membership, "om_"),
            ("--user", &self.user, "user_"),
            ("--group", &self.group, "group_"),
        ];
        let odd = ids.into_iter().filter_map(|(option, value, prefix)| {
            let value = value.as_deref().filter(|value| !value.starts_with(prefix))?;
            Some(format!(
                "{option} takes an id, such as {prefix}01…; `{value}` does not look like one"
            ))
        });
        odd.collect()
    }

    /// As parameters of the request.
    fn filters(&self) -> Vec<(&'static str, String)> {
        let (resource_type, external_id, resource) = match self.resource.as_deref() {
            Some(named) => match named.split_once(':') {
                Some((resource_type, id)) => (Some(resource_type), Some(id), None),
                None => (None, None, Some(named)),
            },
            None => (None, None, None),
        };
        let all = [
            ("actor", self.actor.as_deref()),
            ("action", self.action.as_deref()),
            ("organization_id", self.org.as_deref()),
            ("organization_membership_id", self.membership.as_deref()),
            ("user_id", self.user.as_deref()),
            ("group_id", self.group.as_deref()),
            ("role_slug", self.role.as_deref()),
            ("resource_type_slug", resource_type),
            ("resource_external_id", external_id),
            ("resource_id", resource),
            ("request_id", self.request.as_deref()),
        ];
        all.into_iter()
            .filter_map(|(name, value)| Some((name, value?.to_owned())))
            .collect()
    }
}

/// An entry for people: when, who, what, about what.
fn sentence(entry: &Value) -> String {
    let text = |path: &str| entry.pointer(path).and_then(Value::as_str).map(output::tame);
    let by = text("/actor/name")
        .or_else(|| text("/actor/type"))
        .unwrap_or_default();
    let by = match text("/actor/on_behalf_of") {
        Some(whom) => format!("{by} for {whom}"),
        None => by,
    };
    let mut parts = vec![
        text("/created_at").unwrap_or_default(),
        by,
        text("/action").unwrap_or_default(),
    ];
    for (name, path) in [
        ("role", "/role_slug"),
        ("permission", "/permission_slug"),
        ("type", "/resource_type_slug"),
        ("membership", "/organization_membership_id"),
        ("group", "/group_id"),
        ("user", "/user_id"),
        ("org", "/organization_id"),
    ] {
        parts.extend(text(path).map(|value| format!("{name}={value}")));
    }
    if let (Some(resource_type), Some(id)) = (text("/resource/type_slug"), text("/resource/external_id")) {
        parts.push(format!("resource={resource_type}:{id}"));
    }
    let turn = ["before", "after"].map(|side| entry.get(side).cloned().unwrap_or_default());
    if turn.iter().any(says_something) {
        let [before, after] = turn.map(|side| output::tame(&side.to_string()));
        parts.push(format!("{before} → {after}"));
    }
    parts.join("  ")
}

/// Whether there is more to a side than that something was or is there.
fn says_something(side: &Value) -> bool {
    match side {
        Value::Null => false,
        Value::Object(fields) => *fields != empty_condition() && !fields.is_empty(),
        _ => true,
    }
}

/// Of an assignment that always counts.
fn empty_condition() -> Map<String, Value> {
    match json!({"expires_at": null, "condition": null}) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
