//! `rowgate warrant`: who has which relation.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::Session;
use crate::client::Ask;
use crate::client::pages::{self, Page};
use crate::declared::{Declared, explained};
use crate::failure::{Failure, Result};
use crate::{input, output};

/// Create, delete and list warrants.
#[derive(Debug, Subcommand)]
pub enum Warrant {
    /// Give a subject a relation on a resource
    #[command(
        override_usage = "rowgate warrant create [OPTIONS] SUBJECT RELATION RESOURCE",
        after_help = "Examples:\n  rowgate warrant create user:ann creator ticket:7\n  rowgate warrant create group:sales#member viewer ticket:7\n  rowgate warrant create user:bob viewer ticket:7 -p 'region == \"eu\"'"
    )]
    Create(One),
    /// Take it back; a warrant with a policy is told by its policy
    #[command(override_usage = "rowgate warrant delete [OPTIONS] SUBJECT RELATION RESOURCE")]
    Delete(One),
    /// List warrants, newest first
    List(List),
}

/// One warrant.
#[derive(Debug, Args)]
pub struct One {
    /// Subject, relation and resource; or `RESOURCE#RELATION@SUBJECT`
    #[arg(required = true, num_args = 1..=3, value_name = "SUBJECT RELATION RESOURCE")]
    warrant: Vec<String>,
    /// The policy on which it depends
    #[arg(short, long, value_name = "EXPRESSION")]
    policy: Option<String>,
}

/// Which warrants.
#[derive(Debug, Args)]
pub struct List {
    /// Of resources of this type
    #[arg(long, value_name = "TYPE")]
    resource_type: Option<String>,
    /// Of the resource with this id
    #[arg(long, value_name = "ID", requires = "resource_type")]
    resource_id: Option<String>,
    /// Of this relation
    #[arg(long, value_name = "RELATION", requires = "resource_type")]
    relation: Option<String>,
    /// Of subjects of this type
    #[arg(long, value_name = "TYPE")]
    subject_type: Option<String>,
    /// Of the subject with this id
    #[arg(long, value_name = "ID", requires = "subject_type")]
    subject_id: Option<String>,
    /// Of groups with this relation
    #[arg(long, value_name = "RELATION")]
    subject_relation: Option<String>,
    /// Answer with data at least as fresh as this token, or `latest`
    #[arg(short = 'w', long, value_name = "TOKEN")]
    warrant_token: Option<String>,
    #[command(flatten)]
    page: Page,
}

impl Warrant {
    pub(crate) fn run(&self, session: &Session) -> Result {
        match self {
            Self::Create(one) => one.write(session, "create"),
            Self::Delete(one) => one.write(session, "delete"),
            Self::List(list) => list.run(session),
        }
    }
}

impl One {
    fn write(&self, session: &Session, op: &str) -> Result {
        let (tuple, more) = input::tuple(&self.warrant)?;
        if let Some(more) = more {
            return Err(Failure::new(format!("unexpected argument `{more}`")));
        }
        let mut body = input::tuple_json(&tuple);
        body.insert("op".into(), op.into());
        if let Some(policy) = &self.policy {
            body.insert("policy".into(), policy.clone().into());
        }
        let body = Value::Object(body);
        let path: &[&str] = &["fga", "v1", "warrants"];
        let client = session.client()?;
        let written = client.post(&Ask {
            path,
            body: Some(&body),
            ..Ask::default()
        });
        let hints = || Declared::by(&client).about_tuple(&tuple);
        let written = written.map_err(|error| explained(error, hints))?;
        if session.json() {
            output::json(&written)?;
            return Ok(ExitCode::SUCCESS);
        }
        let done = if op == "create" { "assigned" } else { "removed" };
        let policy = self
            .policy
            .as_ref()
            .map_or(String::new(), |policy| format!(" [{policy}]"));
        output::line(format!("✔ {done} {tuple}{policy}"))?;
        output::line(format!(
            "  warrant token: {}",
            output::field(&written, "warrant_token")
        ))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    fn run(&self, session: &Session) -> Result {
        let of = |field: &'static str, value: &'_ Option<String>| (field, value.clone().unwrap_or_default());
        let filters = [
            of("resource_type", &self.resource_type),
            of("resource_id", &self.resource_id),
            of("relation", &self.relation),
            of("subject_type", &self.subject_type),
            of("subject_id", &self.subject_id),
            of("subject_relation", &self.subject_relation),
        ];
        let query: Vec<(&str, &str)> = filters
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let ask = Ask {
            path: &["fga", "v1", "warrants"],
            query: &query,
            token: self.warrant_token.as_deref(),
            ..Ask::default()
        };
        let client = session.client()?;
        let found = client.list(&ask, &self.page)?;
        if session.json() {
            output::json(&found)?;
            return Ok(ExitCode::SUCCESS);
        }
        let rows = pages::rows(&found).iter().map(|warrant| {
            let policy = warrant
                .get("policy")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            let mut plain = warrant.clone();
            plain["policy"] = json!(null);
            [input::warrant_text(&plain), policy]
        });
        output::table(["Warrant", "Policy"], rows)?;
        output::cursors(&found)?;
        if pages::rows(&found).is_empty() {
            let declared = Declared::by(&client);
            let of = |resource_type: &Option<String>, relation: &Option<String>| {
                declared.about_filter(resource_type.as_deref(), relation.as_deref())
            };
            let hints = [
                of(&self.resource_type, &self.relation),
                of(&self.subject_type, &self.subject_relation),
            ];
            hints.iter().flatten().for_each(|hint| output::warn(hint));
        }
        Ok(ExitCode::SUCCESS)
    }
}
