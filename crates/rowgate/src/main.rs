//! The Rowgate binary.
fn main() {}
