//! Type and relation names as symbols. Append-only; a few thousand at most, so the whole table is copied when it grows.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::{GraphError, Symbol};

#[derive(Debug, Clone)]
pub(crate) struct Names {
    list: Vec<Arc<str>>,
    by_name: FxHashMap<Arc<str>, Symbol>,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            list: vec![Arc::from("")],
            by_name: FxHashMap::default(),
        }
    }
}

impl Names {
    pub(crate) fn get(&self, name: &str) -> Option<Symbol> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn text(&self, symbol: Symbol) -> &str {
        self.list.get(symbol.index()).map_or("", |name| name)
    }

    pub(crate) fn add(&mut self, name: &str) -> Result<Symbol, GraphError> {
        let number = u16::try_from(self.list.len()).map_err(|_| GraphError::TooManyNames)?;
        let name: Arc<str> = Arc::from(name);
        self.list.push(Arc::clone(&name));
        self.by_name.insert(name, Symbol(number));
        Ok(Symbol(number))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.list.iter().skip(1).map(|name| &**name)
    }
}
