//! `rowgate query`: everything for which a check says yes.

use std::process::ExitCode;

use clap::Args;
use rowgate_engine::query::text::parse;
use serde_json::Value;

use super::check::warning_text;
use crate::cli::Session;
use crate::client::Ask;
use crate::client::pages::{self, Page};
use crate::declared::{Declared, explained};
use crate::failure::Result;
use crate::{input, output};

/// Which resources may this subject see, which subjects have a relation on this resource?
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rowgate query 'select ticket where user:ann is viewer'\n  rowgate query 'select viewer of type user for ticket:7' --all\n  rowgate query 'select explicit document where user:ann is *' '{\"region\": \"eu\"}'"
)]
pub struct Query {
    /// The query
    #[arg(value_name = "QUERY")]
    query: String,
    /// The context: a JSON object or @file
    #[arg(value_name = "CONTEXT")]
    context: Option<String>,
    /// Answer with data at least as fresh as this token, or `latest`
    #[arg(short = 'w', long, value_name = "TOKEN", alias = "warrantToken")]
    warrant_token: Option<String>,
    #[command(flatten)]
    page: Page,
}

impl Query {
    pub(crate) fn run(&self, session: &Session) -> Result {
        let context = match &self.context {
            Some(context) => Value::Object(input::json_object("context", context)?).to_string(),
            None => String::new(),
        };
        let ask = Ask {
            path: &["fga", "v1", "query"],
            query: &[("q", &self.query), ("context", &context)],
            token: self.warrant_token.as_deref(),
            ..Ask::default()
        };
        let client = session.client()?;
        let hints = || match parse(&self.query) {
            Ok(query) => Declared::by(&client).about_query(&query),
            Err(_) => Vec::new(),
        };
        let found = client
            .list(&ask, &self.page)
            .map_err(|error| explained(error, hints))?;
        if session.json() {
            output::json(&found)?;
            if pages::rows(&found).is_empty() {
                hints().iter().for_each(|hint| output::warn(hint));
            }
            return Ok(ExitCode::SUCCESS);
        }
        let titles = [
            "Resource type",
            "Resource ID",
            "Relation",
            "Implicit",
            "Warrant",
            "Meta",
        ];
        output::table(
            titles,
            pages::rows(&found).iter().map(|row| {
                [
                    output::field(row, "resource_type").to_owned(),
                    output::field(row, "resource_id").to_owned(),
                    output::field(row, "relation").to_owned(),
                    row.get("is_implicit")
                        .and_then(Value::as_bool)
                        .unwrap_or_default()
                        .to_string(),
                    row.get("warrant").map(input::warrant_text).unwrap_or_default(),
                    row.get("meta").map(ToString::to_string).unwrap_or_default(),
                ]
            }),
        )?;
        output::cursors(&found)?;
        if pages::rows(&found).is_empty() {
            hints().iter().for_each(|hint| output::warn(hint));
        }
        for warning in found
            .get("warnings")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            output::warn(&warning_text(warning));
        }
        Ok(ExitCode::SUCCESS)
    }
}
