//! The envelope of lists.

use serde::Serialize;

/// A page of a list.
#[derive(Debug, Serialize)]
pub(crate) struct ListOut<T> {
    object: &'static str,
    data: Vec<T>,
    list_metadata: ListMetadata,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<super::check::Warning>,
}

/// Cursors of the pages on either side; `null` at the ends.
#[derive(Debug, Default, Serialize)]
pub(crate) struct ListMetadata {
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

impl<T> ListOut<T> {
    pub(crate) fn new(data: Vec<T>, list_metadata: ListMetadata) -> Self {
        Self {
            object: "list",
            data,
            list_metadata,
            warnings: Vec::new(),
        }
    }

    pub(crate) fn with_warnings(mut self, warnings: Vec<super::check::Warning>) -> Self {
        self.warnings = warnings;
        self
    }
}
