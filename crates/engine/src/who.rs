//! Who asks, in the graph's numbers.

use rowgate_graph::{ObjectId, Snapshot, Symbol};

use crate::Subject;

/// A subject in the graph's numbers, and in words for policies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Who<'a> {
    /// Those of the question. `None` for a subject that the graph knows by number.
    words: Option<Subject<'a>>,
    pub(crate) object: ObjectId,
    pub(crate) relation: Symbol,
    /// The wildcard that stands for this subject, or absent.
    pub(crate) wildcard: ObjectId,
}

impl<'a> Who<'a> {
    pub(crate) fn resolve(graph: &Snapshot, words: Subject<'a>) -> Self {
        let resource_type = graph.symbol(words.resource_type);
        let object = resource_type.map_or(ObjectId::ABSENT, |symbol| graph.find(symbol, words.id));
        Self::found(graph, words, resource_type, object)
    }

    /// A subject whose words were looked up.
    pub(crate) fn found(
        graph: &Snapshot,
        words: Subject<'a>,
        resource_type: Option<Symbol>,
        mut object: ObjectId,
    ) -> Self {
        let relation = match words.relation.map(|name| graph.symbol(name)) {
            None => Symbol::NONE,
            Some(Some(symbol)) => symbol,
            Some(None) => {
                // A relation that nothing has ever used: no stored warrant can match.
                object = ObjectId::ABSENT;
                Symbol::NONE
            }
        };
        let wildcard = match (resource_type, words.relation) {
            (Some(symbol), None) if words.id != "*" => used_wildcard(graph, symbol),
            _ => ObjectId::ABSENT,
        };
        Self {
            words: Some(words),
            object,
            relation,
            wildcard,
        }
    }

    /// A subject without a relation that the graph knows by number.
    pub(crate) fn known(graph: &Snapshot, object: ObjectId) -> Self {
        let wildcard = used_wildcard(graph, graph.type_of(object));
        let wildcard = if wildcard == object {
            ObjectId::ABSENT
        } else {
            wildcard
        };
        Self {
            words: None,
            object,
            relation: Symbol::NONE,
            wildcard,
        }
    }

    /// The subject in words.
    pub(crate) fn words(&self, graph: &'a Snapshot) -> Subject<'a> {
        self.words.unwrap_or_else(|| Subject {
            resource_type: graph.name(graph.type_of(self.object)),
            id: graph.id_of(self.object),
            relation: None,
        })
    }
}

/// The wildcard of a type, unless no warrant names it: then looking for it is wasted.
fn used_wildcard(graph: &Snapshot, resource_type: Symbol) -> ObjectId {
    if graph.has_wildcard_warrants(resource_type) {
        graph.wildcard(resource_type)
    } else {
        ObjectId::ABSENT
    }
}
