//! The built-in functions: a table of names and signatures, and a file per family.

mod arrays;
mod call;
mod convert;
mod inject;
mod maps;
mod method;
mod numbers;
mod strings;
mod table;
mod time;

pub use method::Method;
pub use table::Builtin;
pub(crate) use table::Want;
