//! Policy expressions: parse, type, evaluate.
//!
//! The language is the `expr` dialect that FGA policies are written in, made *total* and *three-valued*: an evaluation
//! takes a bounded number of steps and never panics, and a missing or ill-typed value makes the outcome unknown instead
//! of false, so that it cannot grant by way of a negation. `DIFFERENCES.md` lists where that departs from `expr`.
//!
//! ```
//! use rowgate_policy::{Context, Env, Outcome, Policy, Timestamp};
//!
//! let policy = Policy::compile_warrant("role == 'manager' && amount <= 1000").unwrap();
//! let context: Context = serde_json::from_str(r#"{"role": "manager", "amount": 1200}"#).unwrap();
//! let env = Env::new(&context, Timestamp(0));
//! assert_eq!(policy.eval(&env), Outcome::False);
//! assert_eq!(policy.explain(&env).reason.unwrap(), "`amount <= 1000` is false, amount is 1200");
//! ```
//!
//! # Layout
//!
//! * [`limits`]: the bounds, as constants
//! * [`ast`]: the checked tree, public for lowering to other languages
//! * `lexer`, `parser`: text to tree, names resolved
//! * `pattern`: regular expressions in RE2 syntax, size-limited
//! * `types`: what can be refused before anything is evaluated
//! * `survey`: what an expression reads
//! * `value`, `fail`: values, borrowed from the environment wherever they can be, and the reasons for having none
//! * `eval`: the evaluator, a file per kind of expression
//! * `builtins`: the functions, a file per family; `clock` has dates and durations as text, [`constant`] those that are constants
//! * `explain`: the reason for a no; `print` and `quote` show values and source in it
//! * [`suggest`]: did you mean …?
//! * `policy`, `param`, `env`, `outcome`, `error`: the public face

pub mod ast;
mod builtins;
mod clock;
pub mod constant;
mod env;
mod error;
mod eval;
mod explain;
mod fail;
mod lexer;
pub mod limits;
mod outcome;
mod param;
mod parser;
mod pattern;
mod policy;
mod print;
mod quote;
pub mod suggest;
mod survey;
mod types;
mod value;

pub use builtins::{Builtin, Method};
pub use env::{CheckCtx, Context, Env, Metadata, Timestamp, WarrantCtx};
pub use error::{ErrorCode, PolicyError};
pub use outcome::{Explanation, Outcome, Unknown, Uses};
pub use param::{Param, ParamType};
pub use policy::Policy;
