//! Refusing what depends on itself through `none_of`.

use super::relations::negative_place;
use super::{Checker, relation_path};
use crate::ast::Span;
use crate::cycles::Graph;
use crate::diagnostic::Diagnostic;

impl Checker<'_> {
    pub(super) fn cycles(&mut self, dependencies: &Graph) {
        let schema = self.schema;
        for cycle in dependencies.negative_cycles() {
            let names: Vec<String> = cycle
                .iter()
                .map(|&node| self.index.node_name(schema, node))
                .collect();
            let (from, to) = (cycle[0], cycle[1]);
            let (ty, at) = self.index.node_place(from);
            let def = &schema.types[ty];
            let relation = &def.relations[at];
            let place = relation
                .rule
                .as_ref()
                .and_then(|rule| negative_place(self, def, rule, to));
            let error = Diagnostic::error(
                "none_of_cycle",
                format!("`{}` depends on itself through `none_of`", names[0]),
            )
            .note(format!("the cycle is {}", names.join(" -> ")))
            .note(format!(
                "`none_of` stands in the step {} -> {}",
                names[0], names[1]
            ))
            .help("where it would hold it would not hold: take one step of the cycle out");
            let span: Span = place.unwrap_or(relation.name.span);
            self.report(error, span, || relation_path(ty, &relation.name.text));
        }
    }
}
