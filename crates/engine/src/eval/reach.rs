//! What a subject can have to do with at all, seen from the subject's side.
//!
//! `relation may on grant [grant]` with `may` an `all_of` of `member` and more: a resource can have hundreds of grants, of which the
//! subject is a member of one. To ask each of them means to fetch each from memory; the subject's own edges say at once which of them can
//! be the one. This is a bound and no answer: what is ruled out is false for certain, everything else is asked about.

use rowgate_graph::{Edge, Edges, ObjectId, Symbol};
use smallvec::SmallVec;

use super::Evaluator;
use crate::program::Relation;

/// With more kinds of groups than this, or more warrants of the subject that could name one, nothing is ruled out.
const MOST: usize = 64;

/// Where a relation of a type that follows from direct warrants can hold for the subject of the question.
#[derive(Debug)]
pub(super) struct Reach<'a> {
    of: (Symbol, Symbol),
    /// `None` when there is no telling from the subject's side.
    from: Option<Sources<'a>>,
}

/// Nearly always there are few.
type Sources<'a> = SmallVec<[Source<'a>; 4]>;

/// Warrants of one relation that name the subject, its wildcard, or a group that it is in.
#[derive(Debug)]
struct Source<'a> {
    edges: Edges<'a>,
    /// The relation of the group.
    by: Symbol,
    leaf: Symbol,
}

impl<'a> Source<'a> {
    /// Those of a list of edges, unless there are none.
    fn of(edges: Edges<'a>, by: Symbol, leaf: Symbol) -> Option<Self> {
        edges.with(by, leaf).next()?;
        Some(Self { edges, by, leaf })
    }

    /// The first of them on a resource.
    #[inline]
    fn first_on(&self, object: ObjectId) -> Option<&'a Edge> {
        self.edges.to(self.by, self.leaf, object).next()
    }
}

/// What the subject's side says of a relation of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// It is certainly false.
    No,
    /// An unconditional warrant gives the subject this other relation, on which it rests.
    Holds(Symbol),
    /// Neither.
    Perhaps,
}

impl Reach<'_> {
    #[inline]
    fn says_of(&self, object: ObjectId) -> Said {
        let Some(sources) = &self.from else {
            return Said::Perhaps;
        };
        for source in sources {
            if let Some(edge) = source.first_on(object) {
                let direct = source.by.is_none() && edge.policy().is_none();
                return if direct {
                    Said::Holds(source.leaf)
                } else {
                    Said::Perhaps
                };
            }
        }
        Said::No
    }
}

/// Of what was found out about the subject, what concerns one relation of a type.
pub(super) type Known = usize;

impl<'a> Evaluator<'a> {
    /// What the subject's side says of a relation, if it says anything.
    #[inline]
    pub(super) fn reach(&mut self, relation: &'a Relation) -> Option<Known> {
        let leaves = relation.leaves.as_deref()?;
        let resource_type = relation.resource_type;
        let of = (resource_type, relation.relation);
        let known = self.reaches.iter().position(|reach| reach.of == of);
        Some(known.unwrap_or_else(|| {
            let from = self.sources(resource_type, leaves);
            self.reaches.push(Reach { of, from });
            self.reaches.len() - 1
        }))
    }

    /// What that says of one resource.
    #[inline]
    pub(super) fn said_of(&self, known: Option<Known>, object: ObjectId) -> Said {
        known.map_or(Said::Perhaps, |known| self.reaches[known].says_of(object))
    }

    /// Whoever a warrant of one of the relations has to name.
    fn sources(&self, resource_type: Symbol, leaves: &[Symbol]) -> Option<Sources<'a>> {
        if !self.who.relation.is_none() || self.is_bound(resource_type) {
            return None;
        }
        let graph = self.graph;
        let wildcard = self.counting_wildcard();
        let itself = [Some(self.who.object), wildcard].into_iter().flatten();
        // Nearly always there is no such warrant for the wildcard; and its list can be very long.
        let can_name = |object, of, relation| {
            wildcard != Some(object) || graph.has_wildcard_kind(of, relation, graph.type_of(object))
        };
        let mut sources = Sources::new();
        for object in itself.clone() {
            for leaf in leaves {
                if can_name(object, resource_type, *leaf)
                    && let Some(source) = Source::of(graph.resources(object), Symbol::NONE, *leaf)
                {
                    sources.push(source);
                }
            }
        }
        let kinds = leaves
            .iter()
            .flat_map(|leaf| self.graph.group_kinds_of(resource_type, *leaf));
        for (number, kind) in kinds.enumerate() {
            let (group, by) = (kind.subject_type, kind.subject_relation);
            // Who is in a group is told by warrants alone, and those name no further group.
            let ruled = self
                .program
                .relation(group, by)
                .is_some_and(|by| by.rule.is_some());
            if number == MOST
                || ruled
                || self.is_bound(group)
                || self.graph.group_kinds_of(group, by).next().is_some()
            {
                return None;
            }
            for object in itself.clone().filter(|object| can_name(*object, group, by)) {
                for (number, edge) in graph.resources(object).with(Symbol::NONE, by).enumerate() {
                    if number == MOST {
                        return None;
                    }
                    if graph.type_of(edge.other()) == group {
                        sources.extend(Source::of(graph.resources(edge.other()), by, kind.relation));
                    }
                }
            }
        }
        Some(sources)
    }
}
