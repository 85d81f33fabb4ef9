//! Whose columns a part of an expression reads, and which functions it calls.

use std::ops::ControlFlow;

use rowgate_binding::Qualified;
use sqlparser::ast::{Expr, Function, FunctionArguments, ObjectName, ObjectNamePart, Query, Visit, Visitor};

use crate::catalog::{Catalog, Volatility};

/// The table that a policy is on, and the functions that it may call.
#[derive(Clone, Copy)]
pub(in crate::verify) struct Scope<'a> {
    pub(in crate::verify) catalog: &'a Catalog,
    pub(in crate::verify) table: &'a Qualified,
}

/// What a part of an expression rests on.
#[derive(Debug, Default)]
pub(super) struct Uses {
    /// It reads columns of the policy's own table.
    pub(super) row: bool,
    /// It reads columns of a table of a sub-select that it is inside.
    pub(super) inner: bool,
    /// It has a sub-select.
    pub(super) query: bool,
    /// It calls, outside of sub-selects, functions that are not immutable.
    pub(super) calls: bool,
    /// One of these is volatile and the system's own, such as `random()`: to call it once would be something else.
    pub(super) random: bool,
}

impl<'a> Scope<'a> {
    /// What an expression, or a query, rests on.
    pub(super) fn uses(&self, part: &impl Visit) -> Uses {
        let mut finder = Finder {
            scope: self,
            depth: 0,
            uses: Uses::default(),
        };
        let _ = part.visit(&mut finder);
        finder.uses
    }

    /// The volatility of a function; of an overloaded one, the worst.
    pub(super) fn volatility(&self, function: &Function) -> Volatility {
        match qualified(&function.name) {
            Some(name) => {
                let known = self
                    .catalog
                    .functions_named(&name)
                    .map(|function| function.volatility);
                known.max().unwrap_or(Volatility::Immutable)
            }
            None => self.built_in(function).unwrap_or(Volatility::Immutable),
        }
    }

    /// Whether a name alone returns any number of rows.
    pub(super) fn returns_set(&self, function: &Function) -> bool {
        qualified(&function.name).is_some_and(|name| {
            self.catalog
                .functions_named(&name)
                .any(|function| function.returns_set)
        })
    }

    fn built_in(&self, function: &Function) -> Option<Volatility> {
        // `CURRENT_USER` and the like are no calls: Postgres knows their values.
        if matches!(function.args, FunctionArguments::None) {
            return None;
        }
        match function.name.0.as_slice() {
            [ObjectNamePart::Identifier(name)] => {
                self.catalog.built_in.get(&name.value.to_lowercase()).copied()
            }
            _ => None,
        }
    }
}

/// `schema.name`, if it is one.
pub(super) fn qualified(name: &ObjectName) -> Option<Qualified> {
    match name.0.as_slice() {
        [
            ObjectNamePart::Identifier(schema),
            ObjectNamePart::Identifier(name),
        ] => Some(Qualified::new(&schema.value, &name.value)),
        _ => None,
    }
}

struct Finder<'a> {
    scope: &'a Scope<'a>,
    /// How many sub-selects we are inside.
    depth: usize,
    uses: Uses,
}

impl Visitor for Finder<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.uses.query = true;
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(_) => self.uses.row |= self.depth == 0,
            Expr::CompoundIdentifier(parts) => {
                let own = parts
                    .first()
                    .is_some_and(|first| first.value == self.scope.table.name);
                self.uses.row |= own;
                self.uses.inner |= !own;
            }
            Expr::Function(function) => self.function(function),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

impl Finder<'_> {
    fn function(&mut self, function: &Function) {
        // The whole row as an argument is no expression of its own.
        if let FunctionArguments::List(list) = &function.args {
            let whole = format!("{}.*", self.scope.table.name);
            self.uses.row |= list
                .args
                .iter()
                .any(|arg| arg.to_string().replace('"', "") == whole);
        }
        if self.depth > 0 {
            return;
        }
        let volatility = self.scope.volatility(function);
        self.uses.calls |= volatility > Volatility::Immutable;
        self.uses.random |= self.scope.built_in(function) == Some(Volatility::Volatile);
    }
}
