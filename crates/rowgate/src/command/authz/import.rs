//! `rowgate authz import`

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{people, plan};
use crate::cli::Session;
use crate::client::{Ask, Client};
use crate::failure::{Failure, Result};
use crate::output;

const PATH: [&str; 4] = ["rowgate", "v1", "authorization", "people"];

/// People of one request.
const PART: usize = 10_000;

/// Bring in a file: `.csv`, `.jsonl` or `.toml`. Users are recognised by external id or mail address, organizations by external id or id, so the
/// same file can be brought in again. Who is not in the file stays, unless --gone is given.
#[derive(Debug, Args)]
#[command(
    after_help = "Columns and fields: email, external_id, first_name, last_name, metadata (not in .csv), organization, organization_name,\nroles. In a .csv, roles are separated by `;`. In a .toml, each entry is a [[person]]."
)]
pub struct Import {
    /// The file
    file: String,
    /// Print what would be changed, and change nothing
    #[arg(long, visible_alias = "dry-run")]
    plan: bool,
    /// What becomes of members of the file's organizations who are not in the file
    #[arg(long, value_enum, default_value = "keep", value_name = "WHAT")]
    gone: Gone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Gone {
    /// They stay
    Keep,
    /// Their memberships are deactivated
    Deactivate,
    /// Their memberships are deleted
    Remove,
}

impl Import {
    pub(super) fn run(&self, session: &Session) -> Result {
        let people = people::read(&self.file)?;
        if people.len() > PART && self.gone != Gone::Keep {
            return Err(Failure::with_help(
                format!("{} has {} entries, more than {PART}", self.file, people.len()),
                "with --gone the whole file has to go in one request; give each organization a file of its own",
            ));
        }
        let client = session.client()?;
        let (mut count, mut done, mut steps) = (0, 0, Vec::new());
        for part in people.chunks(PART) {
            let answer = self.send(&client, part).map_err(|failure| far(failure, done))?;
            done += part.len();
            if session.json() {
                steps.extend(
                    answer
                        .get("plan")
                        .and_then(Value::as_array)
                        .cloned()
                        .unwrap_or_default(),
                );
            } else {
                count += plan::print(&answer)?;
            }
        }
        if session.json() {
            output::json(&json!({"applied": !self.plan, "plan": steps}))?;
            return Ok(ExitCode::SUCCESS);
        }
        if self.plan && people.len() > PART {
            output::note(
                "A large file goes in parts, and each is planned by itself: an organization of several parts stands here several times.",
            );
        }
        plan::conclude(count, self.plan)?;
        Ok(ExitCode::SUCCESS)
    }

    fn send(&self, client: &Client, people: &[Value]) -> Result<Value> {
        let gone = match self.gone {
            Gone::Keep => "keep",
            Gone::Deactivate => "deactivate",
            Gone::Remove => "remove",
        };
        let body = json!({"people": people, "gone": gone, "dry_run": self.plan});
        Ok(client.put(&Ask {
            path: &PATH,
            body: Some(&body),
            ..Ask::default()
        })?)
    }
}

/// A failure after some parts are in.
fn far(failure: Failure, done: usize) -> Failure {
    if done == 0 {
        return failure;
    }
    let help = format!(
        "the first {done} entries of the file are in; bring it in again once it is right, they stay as they are"
    );
    Failure::Explained {
        failure: Box::new(failure),
        help,
    }
}
