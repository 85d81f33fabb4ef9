//! A scenario on a server: only where it can do no harm.

use rowgate_scenario::{Report, Scenario};
use serde_json::{Value, json};

use crate::client::pages::{self, Page};
use crate::client::{Ask, Client};
use crate::failure::{Failure, Result};
use crate::surface::HttpSurface;

const SCHEMA: [&str; 3] = ["fga", "v1", "schema"];

/// Runs a scenario in the environment that the client's key opens.
pub(super) fn run(
    client: &Client,
    scenario: &Scenario,
    cleanup: bool,
    replace_schema: bool,
) -> Result<Report> {
    let before = client.get(&Ask {
        path: &SCHEMA,
        ..Ask::default()
    })?;
    refuse_if_used(client, scenario, &before, replace_schema)?;
    let report = rowgate_scenario::run(scenario, &mut HttpSurface::new(client.clone()));
    if cleanup {
        clean(client)?;
        client.post(&Ask {
            path: &SCHEMA,
            body: Some(&before),
            ..Ask::default()
        })?;
    }
    Ok(report)
}

/// A scenario assumes that nothing is there, and replaces the schema.
fn refuse_if_used(client: &Client, scenario: &Scenario, schema: &Value, replace_schema: bool) -> Result<()> {
    let help = "create an environment for it: `rowgate environment create NAME`, then `rowgate key create KEY --environment NAME`";
    let one = Page {
        all: false,
        limit: Some(1),
        ..Page::everything()
    };
    for what in ["warrants", "resources"] {
        let found = client.list(
            &Ask {
                path: &["fga", "v1", what],
                ..Ask::default()
            },
            &one,
        )?;
        if !pages::rows(&found).is_empty() {
            return Err(Failure::with_help(
                format!("the environment is not empty: it has {what}"),
                help,
            ));
        }
    }
    if !scenario.has_schema() || replace_schema {
        return Ok(());
    }
    if types(schema) == types(&rowgate_schema::to_json(&rowgate_schema::default_environment())) {
        return Ok(());
    }
    let message = "the environment has a schema of its own, which the scenario would replace";
    Err(Failure::with_help(
        message,
        "add --replace-schema if that is meant; with --cleanup it is put back afterwards",
    ))
}

fn types(schema: &Value) -> Option<&Value> {
    schema.get("resource_types")
}

/// The environment was empty, so whatever is in it was created by the run. Deleting a resource deletes its warrants.
fn clean(client: &Client) -> Result<()> {
    let page = Page {
        all: false,
        limit: Some(100),
        ..Page::everything()
    };
    loop {
        let found = client.list(
            &Ask {
                path: &["fga", "v1", "resources"],
                ..Ask::default()
            },
            &page,
        )?;
        let resources: Vec<Value> = pages::rows(&found)
            .iter()
            .map(|row| json!({"resource_type": row.get("resource_type"), "resource_id": row.get("resource_id")}))
            .collect();
        if resources.is_empty() {
            return Ok(());
        }
        let body = json!({"op": "delete", "resources": resources});
        let path: &[&str] = &["fga", "v1", "resources", "batch"];
        client.post(&Ask {
            path,
            body: Some(&body),
            ..Ask::default()
        })?;
    }
}
