//! Functions.

use rowgate_binding::Qualified;

/// How often a function must be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volatility {
    /// The same arguments, the same result, for ever.
    Immutable,
    /// The same result within a statement.
    Stable,
    /// Another result each time.
    Volatile,
}

/// A function or procedure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: Qualified,
    /// The arguments that tell it from others of its name, as SQL writes them.
    pub arguments: String,
    /// Whether it is a procedure.
    pub procedure: bool,
    /// Its owner.
    pub owner: String,
    /// Whether it runs with the rights of its owner.
    pub definer: bool,
    /// How often it must be called.
    pub volatility: Volatility,
    /// Whether it returns any number of rows.
    pub returns_set: bool,
    /// What it returns.
    pub returns: String,
    /// Settings while it runs, `name=value`.
    pub settings: Vec<String>,
    /// Its text.
    pub body: String,
    /// Its comment.
    pub comment: Option<String>,
    /// Whether it belongs to an extension.
    pub extension: bool,
    /// The roles that may execute it, its owner included; the empty name stands for PUBLIC.
    pub executors: Vec<String>,
}

impl Function {
    /// Whether the names in it mean the same whoever calls it.
    #[must_use]
    pub fn pins_search_path(&self) -> bool {
        self.settings
            .iter()
            .any(|setting| setting.starts_with("search_path="))
    }
}
