//! The JSON form.

pub(crate) mod document;
pub(crate) mod read;
pub(crate) mod write;

use std::fmt;

use crate::diagnostic::shown;

/// A place inside a JSON document, written as `resource_types[2].relations.viewer`.
#[derive(Clone, Copy)]
pub(crate) enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

impl<'a> Path<'a> {
    pub(crate) fn field(&'a self, name: &'a str) -> Path<'a> {
        Path::Field(self, name)
    }

    pub(crate) fn item(&'a self, index: usize) -> Path<'a> {
        Path::Item(self, index)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Field(Path::Root, name) => f.write_str(&shown(name)),
            Path::Field(parent, name) => write!(f, "{parent}.{}", shown(name)),
            Path::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}
