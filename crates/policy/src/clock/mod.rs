//! Dates and durations as the language writes them.

pub(crate) mod date;
pub(crate) mod duration;
mod layout;
