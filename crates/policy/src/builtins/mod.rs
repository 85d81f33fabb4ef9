//! The built-in functions: their names and signatures. Each family has a file with its meaning.

mod method;
mod table;

pub use method::Method;
pub use table::Builtin;
pub(crate) use table::Want;
