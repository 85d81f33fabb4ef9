//! Scenario files: a model, warrants, questions and the answers they must get, in one format for every surface.
//!
//! ```yaml
//! name: Ticketing
//! schema: |
//!   version 0.2
//!   type user
//!   type ticket
//!       relation creator [user]
//!       relation viewer [user]
//!       inherit viewer if
//!           relation creator
//! warrants:
//!   - ticket:7#creator@user:ann
//! checks:
//!   - {check: ticket:7#viewer@user:ann, expect: true, implicit: true}
//!   - {check: ticket:7#viewer@user:ben, expect: false}
//! queries:
//!   - query: select ticket where user:ann is viewer
//!     expect: [ticket:7#viewer]
//! ```
//!
//! `scenarios/README.md` lists all keys. The same files run in process, over HTTP, through the command line and on rows in Postgres:
//! whatever implements [`Surface`].
//!
//! ```
//! use rowgate_scenario::{EngineSurface, parse, run};
//!
//! let text = "{name: Owners, schema: 'version 0.2 type user type doc relation owner [user]',
//!     warrants: [doc:d#owner@user:ann], checks: [{check: doc:d#owner@user:ann, expect: true}]}";
//! let scenario = parse("owners.scenario.yaml", text).unwrap();
//! let report = run(&scenario, &mut EngineSurface::new().unwrap());
//! assert!(report.passed(), "{report}");
//! ```
//!
//! # Layout
//!
//! * [`notation`]: `ticket:7#viewer@user:ann` and its parts
//! * [`scenario`]: what a scenario says
//! * [`mod@file`]: finding and reading scenario files, ours and those of the WorkOS command line
//! * [`surface`]: what a scenario runs against
//! * [`engine`]: the surface in this process
//! * [`run`](mod@run), [`report`]: asking the questions; what differed
//! * [`tree`]: decision trees as text

pub mod engine;
mod error;
pub mod file;
pub mod notation;
pub mod report;
pub mod run;
pub mod scenario;
pub mod surface;
pub mod tree;

pub use engine::EngineSurface;
pub use error::ReadError;
pub use file::{find, parse, read};
pub use report::{Problem, Report};
pub use run::run;
pub use scenario::Scenario;
pub use surface::{Surface, SurfaceError};
