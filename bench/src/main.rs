//! Measures Rowgate against its targets and its peers. See README.md.
//!
//! # Layout
//!
//! * `world`, `question`, `rng`: the data, what is asked, and the right answers.
//! * `contender`: Rowgate and its peers behind one trait; `compare`: who is faster.
//! * `measure`: times and memory; `machine`: where it was measured.
//! * `all`, `report`: everything, and the page of results.
//! * `sql`: SQL over HTTP, beside a bare driver.
//! * `start`: a large store, opened; `writes`: durable writes; `http`: checks over HTTP; `child`: processes of
//!   their own.
//! * `rows`: the application's own tables under row-level security.
//! * `authz`: the authorization API at scale; `section`: parts of the page that commands of their own write.
//! * `profile`: one kind of operation over and over.

mod all;
mod authz;
mod child;
mod compare;
mod contender;
mod http;
mod machine;
mod measure;
mod profile;
mod question;
mod report;
mod rng;
mod rows;
mod section;
mod sql;
mod start;
mod world;
mod writes;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use serde_json::Value;

use compare::Effort;
use http::Load;

/// As the product's; all contenders of a process use it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[derive(Parser)]
#[command(
    name = "rowgate-bench",
    about = "Measures Rowgate against its targets and its peers"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything; writes RESULTS.md
    All {
        /// Leave out what takes minutes: ten million warrants
        #[arg(long)]
        quick: bool,
        /// The server's binary; built from the workspace unless given
        #[arg(long)]
        server: Option<PathBuf>,
    },
    /// Checks and lists of Rowgate's engine, in process
    Engine(EngineArgs),
    /// The same with peers in the same process, taking turns
    Peer {
        /// Which ones; all that this build has unless given
        names: Vec<String>,
        #[command(flatten)]
        engine: EngineArgs,
    },
    /// Builds a store, closes it, and opens it again: time and memory
    Start {
        /// Units of 34,518 warrants
        #[arg(long, default_value_t = 290)]
        scale: u32,
        /// How often it is opened
        #[arg(long, default_value_t = 3)]
        rounds: usize,
    },
    /// Builds a store; a part of `start`
    BuildStore {
        /// The directory
        dir: PathBuf,
        /// Units of 34,518 warrants
        #[arg(long)]
        scale: u32,
    },
    /// Opens a store; a part of `start`
    OpenStore {
        /// The directory
        dir: PathBuf,
        /// Units of 34,518 warrants
        #[arg(long)]
        scale: u32,
    },
    /// Durable writes through an environment and on the bare store
    Writes {
        /// Rounds of which the median is taken
        #[arg(long, default_value_t = 9)]
        rounds: usize,
    },
    /// Checks over HTTP against `/healthz` of the same server
    Http {
        /// Rounds of which the median is taken
        #[arg(long, default_value_t = 5)]
        rounds: usize,
        /// Length of each turn, in milliseconds
        #[arg(long, default_value_t = 1_500)]
        turn: u64,
        /// The server's binary; built from the workspace unless given
        #[arg(long)]
        server: Option<PathBuf>,
    },
    /// The application's own tables: Rowgate's policies against a WHERE written by hand, and against other ways
    Rows {
        /// How many tickets; may be given several times
        #[arg(long, default_values_t = [1_000_000, 10_000_000])]
        rows: Vec<i64>,
        /// The major version of Postgres, 15 or 18; `make postgres` installs both
        #[arg(long, default_value_t = 18)]
        postgres: u32,
        /// Most turns of each way for a subject and an operation
        #[arg(long, default_value_t = 101)]
        rounds: usize,
        /// Only this part; may be given several times
        #[arg(long, value_enum)]
        only: Vec<rows::Part>,
        /// The server's binary; built from the workspace unless given
        #[arg(long)]
        server: Option<PathBuf>,
        /// Put the tables into RESULTS.md
        #[arg(long, conflicts_with = "only")]
        write: bool,
    },
    /// SQL over HTTP beside a bare driver on the same database
    Sql {
        /// Rounds of which the median is taken
        #[arg(long, default_value_t = 5)]
        rounds: usize,
        /// Length of each turn, in milliseconds
        #[arg(long, default_value_t = 1_000)]
        turn: u64,
        /// Only statements whose name contains this
        #[arg(long)]
        only: Option<String>,
        /// Write the section of RESULTS.md
        #[arg(long)]
        write: bool,
        /// The server's binary; built from the workspace unless given
        #[arg(long)]
        server: Option<PathBuf>,
    },
    /// The authorization API with a million resources: in process and over HTTP
    Authz {
        /// Organizations, each with 100 memberships, 1,000 resources and 500 role assignments
        #[arg(long, default_value_t = 1_000)]
        organizations: u32,
        /// The server's binary; built from the workspace unless given
        #[arg(long)]
        server: Option<PathBuf>,
        /// Put the table into RESULTS.md
        #[arg(long)]
        write: bool,
    },
    /// Builds a store of organizations; a part of `authz`
    AuthzBuild {
        /// The directory
        dir: PathBuf,
        /// How many organizations
        #[arg(long)]
        organizations: u32,
    },
    /// Asks such a store in process; a part of `authz`
    AuthzAsk {
        /// The directory
        dir: PathBuf,
    },
    /// Reads rows for whoever asks over HTTP; a part of `rows`
    RowEndpoint {
        /// The database
        url: String,
    },
    /// One kind of operation of the engine over and over, for a profiler to look at
    Profile {
        /// What is repeated
        subject: profile::Subject,
        /// Units of 34,518 warrants
        #[arg(long, default_value_t = 29)]
        scale: u32,
        /// For how long
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
}

#[derive(Args)]
struct EngineArgs {
    /// Units of 34,518 warrants
    #[arg(long, default_value_t = 1)]
    scale: u32,
    /// Rounds of which the median is taken
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Checks of each kind in a round
    #[arg(long, default_value_t = 20_000)]
    checks: usize,
    /// Users whose documents are listed
    #[arg(long, default_value_t = 20)]
    users: usize,
    /// Lists for each of them in a round
    #[arg(long, default_value_t = 5)]
    lists: usize,
}

impl EngineArgs {
    fn run(&self, names: &[String]) -> Result<Value> {
        let Self {
            scale,
            rounds,
            checks,
            users,
            lists,
        } = *self;
        compare::run(
            names,
            scale,
            Effort {
                rounds,
                checks,
                users,
                lists,
            },
        )
    }
}

fn main() -> Result<()> {
    let result = match Cli::parse().command {
        Command::All { quick, server } => all::run(quick, server.as_deref())?,
        Command::Engine(engine) => engine.run(&["rowgate".to_owned()])?,
        Command::Peer { names, engine } if names.is_empty() => engine.run(
            &contender::ALL
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>(),
        )?,
        Command::Peer { mut names, engine } => {
            names.insert(0, "rowgate".to_owned());
            engine.run(&names)?
        }
        Command::Start { scale, rounds } => start::run(scale, rounds)?,
        Command::BuildStore { dir, scale } => start::build(&dir, scale)?,
        Command::OpenStore { dir, scale } => start::open(&dir, scale)?,
        Command::Writes { rounds } => writes::run(rounds)?,
        Command::Http { rounds, turn, server } => http::run(&Load {
            rounds,
            turn: Duration::from_millis(turn),
            server,
        })?,
        Command::Rows {
            rows,
            postgres,
            rounds,
            only,
            server,
            write,
        } => rows::run(&rows::Request {
            rows,
            postgres,
            rounds,
            only,
            server,
            write,
        })?,
        Command::Sql {
            rounds,
            turn,
            only,
            write,
            server,
        } => {
            let measured = sql::run(&sql::Load {
                rounds,
                turn: Duration::from_millis(turn),
                server,
                only,
            })?;
            if write {
                sql::write(&measured)?;
            }
            measured
        }
        Command::Authz {
            organizations,
            server,
            write,
        } => authz::run(&authz::Request {
            organizations,
            server,
            write,
        })?,
        Command::AuthzBuild { dir, organizations } => authz::build(&dir, organizations)?,
        Command::AuthzAsk { dir } => authz::ask(&dir)?,
        Command::RowEndpoint { url } => rows::row_endpoint(&url)?,
        Command::Profile {
            subject,
            scale,
            seconds,
        } => profile::run(subject, scale, seconds)?,
    };
    println!("{result:#}");
    Ok(())
}
