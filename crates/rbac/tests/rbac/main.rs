//! The translation: what is allowed to change, and whether the engine's answers are those of the plain definition.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod audit;
mod changes;
mod definition;
mod lasting;
mod named;
mod people;
mod types;
mod world;
