//! The commands, one file each.

pub mod authz;
pub mod check;
pub mod completions;
pub mod demo;
pub mod environment;
pub mod export;
pub mod import;
pub mod key;
pub mod pg;
pub mod query;
pub mod resource;
pub mod rls;
pub mod schema;
pub mod serve;
pub mod test;
pub mod token;
pub mod warrant;

use clap::Subcommand;

use crate::cli::Session;
use crate::failure::Result;

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a server with two example models, walk through some decisions, and keep serving
    Demo(demo::Demo),
    /// Start a server
    Serve(serve::Serve),
    /// May this subject do this?
    Check(check::Check),
    /// Which resources may this subject see, which subjects have a relation on this resource?
    Query(query::Query),
    /// Apply, read, convert, format and validate schemas
    #[command(subcommand)]
    Schema(schema::Schema),
    /// Types, people and audit log of the authorization API
    #[command(subcommand)]
    Authz(authz::Authz),
    /// Create, delete and list warrants
    #[command(subcommand)]
    Warrant(warrant::Warrant),
    /// Create, read, list, update and delete resources
    #[command(subcommand)]
    Resource(resource::Resource),
    /// Run scenario files and print what differs
    Test(test::Test),
    /// Write everything in an environment as newline-delimited JSON
    Export(export::Export),
    /// Read what `export` wrote; doing it twice changes nothing
    Import(import::Import),
    /// Create, list and delete API keys
    #[command(subcommand)]
    Key(key::Key),
    /// Issue tokens for users, rotate the keys that sign them, and find out what is wrong with one
    #[command(subcommand)]
    Token(token::Token),
    /// Create, list and delete environments
    #[command(subcommand, visible_alias = "env")]
    Environment(environment::Environment),
    /// Install, bring up to date and uninstall what Rowgate keeps in Postgres
    #[command(subcommand)]
    Pg(pg::Pg),
    /// Let Postgres show each row to those whom the schema lets see it
    #[command(subcommand)]
    Rls(rls::Rls),
    /// Print a completion script for a shell
    Completions(completions::Completions),
}

/// Runs a command.
pub(crate) fn run(command: Command, session: &Session) -> Result {
    match command {
        Command::Demo(demo) => demo.run(session),
        Command::Serve(serve) => serve.run(session),
        Command::Check(check) => check.run(session),
        Command::Query(query) => query.run(session),
        Command::Schema(schema) => schema.run(session),
        Command::Authz(authz) => authz.run(session),
        Command::Warrant(warrant) => warrant.run(session),
        Command::Resource(resource) => resource.run(session),
        Command::Test(test) => test.run(session),
        Command::Export(export) => export.run(session),
        Command::Import(import) => import.run(session),
        Command::Key(key) => key.run(session),
        Command::Token(token) => token.run(session),
        Command::Environment(environment) => environment.run(session),
        Command::Pg(pg) => pg.run(session),
        Command::Rls(rls) => rls.run(session),
        Command::Completions(completions) => completions.run(),
    }
}
