//! Queries: everything for which a check says yes.
//!
//! # Layout
//!
//! * [`text`]: the query language.
//! * [`page`]: order, limits and cursors.
//! * `resources`, `subjects`: the candidates of the two forms.

pub mod page;
pub(crate) mod resources;
pub(crate) mod subjects;
pub mod text;

use std::collections::BTreeSet;

use rowgate_graph::{ObjectId, Symbol, WarrantId};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::eval::{Evaluator, Mode, Start};
use crate::missing;
use crate::view::NOWHERE;
use crate::who::Who;
use crate::witness::{RowIs, Witness};
use crate::{Ambient, EngineError, Subject, Value, View};
use page::{Candidate, Certainty, Page};
use text::{Names, Query, Reference, Select};

/// One row of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The resource (or, in the form for subjects, the subject; a wildcard stands for all of its type).
    pub object: ObjectId,
    /// The relation that holds.
    pub relation: Symbol,
    /// The stored warrant that ends the chain; `None` when it holds by a policy or `none_of` alone.
    pub warrant: Option<WarrantId>,
    /// Whether rules were needed.
    pub is_implicit: bool,
}

/// One page of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// The rows in the requested order.
    pub rows: Vec<Row>,
    /// Whether there are more beyond the page in the direction of reading (towards the start for `before`).
    pub more: bool,
    /// Context keys that were missing or ill-typed where candidates of this page stayed unknown.
    pub missing: Vec<String>,
    /// What was wrong with them, in words.
    pub problems: Vec<String>,
}

impl<'a> View<'a> {
    /// Answers a query.
    ///
    /// # Errors
    /// [`EngineError::UnknownType`] for a type that the query selects (or whose resource it asks about) and the schema does not
    /// have, and the limits.
    pub fn query(&self, query: &Query, page: &Page, ambient: &Ambient<'_>) -> Result<Rows, EngineError> {
        match &query.select {
            Select::Resources {
                types,
                subject,
                relations,
            } => {
                let types = self.types(types)?;
                let subject = Subject {
                    resource_type: &subject.resource_type,
                    id: &subject.id,
                    relation: None,
                };
                self.resources(&types, relations, subject, query.explicit, page, ambient)
            }
            Select::Subjects {
                relations,
                types,
                resource,
            } => {
                let types = self.types(types)?;
                self.subjects(relations, &types, resource, query.explicit, page, ambient)
            }
        }
    }

    /// The row of a list for a resource that was found elsewhere, such as in the database; `None` when the relation does not hold.
    ///
    /// # Errors
    /// As [`View::check`].
    pub fn row(
        &self,
        (resource_type, id): (&str, &str),
        relation: &str,
        subject: Subject<'_>,
        explicit: bool,
        ambient: &Ambient<'_>,
    ) -> Result<Option<Row>, EngineError> {
        let symbol = self.known_type(resource_type)?;
        let object = self.graph.find(symbol, id);
        if object == ObjectId::ABSENT && self.rows.is_some_and(|rows| rows.is_bound(symbol)) {
            // A row that no warrant names, and that was not read: those that were are in the graph.
            return Err(EngineError::Unread(vec![(
                resource_type.to_owned(),
                id.to_owned(),
            )]));
        }
        let Some(relation) = self.graph.symbol(relation).filter(|_| object != ObjectId::ABSENT) else {
            return Ok(None);
        };
        let explicit_mode = Mode {
            explicit: true,
            ..Mode::default()
        };
        let mut by_warrants = self.evaluator(ambient, subject, NOWHERE).with_mode(explicit_mode);
        let mut evaluator = self.evaluator(ambient, subject, NOWHERE).with_mode(Mode {
            explicit,
            ..Mode::default()
        });
        let value = evaluator.holds(object, relation)?;
        if value == Value::Unknown {
            evaluator.all_read()?;
        }
        if !value.grants() {
            return Ok(None);
        }
        let is_implicit = !by_warrants.holds(object, relation)?.grants();
        by_warrants.all_read()?;
        let warrant = Witness::new(&mut evaluator, &mut by_warrants, RowIs::Resource).of(object, relation)?;
        Ok(Some(Row {
            object,
            relation,
            warrant,
            is_implicit,
        }))
    }

    fn types(&self, names: &Names) -> Result<Vec<Symbol>, EngineError> {
        match names {
            Names::All => Ok(self.program.types().collect()),
            Names::These(names) => names.iter().map(|name| self.known_type(name)).collect(),
        }
    }

    /// The relations that a type declares, of those named.
    fn relations(&self, resource_type: Symbol, names: &Names) -> Vec<Symbol> {
        let declared = self
            .program
            .relations_of(resource_type)
            .unwrap_or(&[])
            .iter()
            .map(|(symbol, _)| *symbol);
        match names {
            Names::All => declared.collect(),
            Names::These(names) => declared
                .filter(|symbol| names.iter().any(|name| name == self.graph.name(*symbol)))
                .collect(),
        }
    }

    fn resources(
        &self,
        types: &[Symbol],
        relations: &Names,
        subject: Subject<'_>,
        explicit: bool,
        page: &Page,
        ambient: &Ambient<'_>,
    ) -> Result<Rows, EngineError> {
        let mut goals = FxHashSet::default();
        for resource_type in types {
            goals.extend(
                self.relations(*resource_type, relations)
                    .into_iter()
                    .map(|relation| (*resource_type, relation)),
            );
        }
        let explicit_mode = Mode {
            explicit: true,
            ..Mode::default()
        };
        let mut by_warrants = self.evaluator(ambient, subject, NOWHERE).with_mode(explicit_mode);
        let mut evaluator = self.evaluator(ambient, subject, NOWHERE).with_mode(Mode {
            explicit,
            ..Mode::default()
        });
        let candidates = resources::candidates(&mut evaluator, &goals)?;
        let mut unknown = Unknowns::default();
        let (chosen, more) = page::select(self.graph, candidates, page, |candidate| {
            let Candidate { object, relation, .. } = *candidate;
            if candidate.certainty == Certainty::Branch && evaluator.rest_holds(object, relation)? {
                return Ok(true);
            }
            unknown.ask(&mut evaluator, object, relation)
        })?;
        let mut rows = Vec::with_capacity(chosen.len());
        for candidate in chosen {
            let Candidate { object, relation, .. } = candidate;
            if let (Some(warrant), true) = (candidate.via, self.holds_by_rule_alone(&candidate)) {
                rows.push(Row {
                    object,
                    relation,
                    warrant: Some(warrant),
                    is_implicit: true,
                });
                continue;
            }
            let is_implicit = !by_warrants.holds(object, relation)?.grants();
            let warrant =
                Witness::new(&mut evaluator, &mut by_warrants, RowIs::Resource).of(object, relation)?;
            rows.push(Row {
                object,
                relation,
                warrant,
                is_implicit,
            });
        }
        Ok(unknown.into_rows(rows, more))
    }

    /// Whether a candidate that holds does so by the way on which it was found: there is no warrant for the very relation.
    fn holds_by_rule_alone(&self, candidate: &Candidate) -> bool {
        let mut own = self.graph.subjects(candidate.object).of(candidate.relation);
        candidate.certainty >= Certainty::Branch && own.next().is_none()
    }

    fn subjects(
        &self,
        relations: &Names,
        types: &[Symbol],
        resource: &Reference,
        explicit: bool,
        page: &Page,
        ambient: &Ambient<'_>,
    ) -> Result<Rows, EngineError> {
        let resource_type = self.known_type(&resource.resource_type)?;
        let object = self.graph.find(resource_type, &resource.id);
        let start = Start {
            resource_type,
            id: &resource.id,
        };
        let mut form = SubjectForm {
            view: self,
            ambient,
            start,
            object,
            explicit,
            stars: FxHashMap::default(),
            explicit_stars: FxHashMap::default(),
            unknown: Unknowns::default(),
        };
        let mut candidates = Vec::new();
        for relation in self.relations(resource_type, relations) {
            form.candidates(relation, types, &mut candidates)?;
        }
        let mut unknown = std::mem::take(&mut form.unknown);
        let mut evaluators: [Option<Evaluator<'_>>; 2] = [None, None];
        let (chosen, more) = page::select(self.graph, candidates, page, |candidate| {
            let without_wildcards = form.is_starred(candidate.object, candidate.relation);
            let mode = Mode {
                explicit,
                without_wildcards,
            };
            let slot = &mut evaluators[usize::from(without_wildcards)];
            let who = Who::known(self.graph, candidate.object);
            let evaluator = slot.get_or_insert_with(|| form.evaluator(who, mode));
            evaluator.ask_for(who);
            if without_wildcards {
                // The row `type:*` stands for the subject: it is decided, whatever its own warrants say.
                return Ok(evaluator.holds(object, candidate.relation)?.grants());
            }
            unknown.ask(evaluator, object, candidate.relation)
        })?;
        let mut rows = Vec::with_capacity(chosen.len());
        for candidate in chosen {
            rows.push(form.row(candidate)?);
        }
        Ok(unknown.into_rows(rows, more))
    }
}

/// The form for subjects, with what it has found out about wildcard rows.
struct SubjectForm<'v, 'a> {
    view: &'v View<'a>,
    ambient: &'v Ambient<'v>,
    start: Start<'v>,
    object: ObjectId,
    explicit: bool,
    /// (type, relation) -> the row `type:*` stands for all subjects of the type.
    stars: FxHashMap<(Symbol, Symbol), bool>,
    /// The same for the explicit form.
    explicit_stars: FxHashMap<(Symbol, Symbol), bool>,
    /// What stayed unknown about wildcard rows of the form asked for.
    unknown: Unknowns,
}

impl<'v> SubjectForm<'v, '_> {
    fn evaluator(&self, who: Who<'v>, mode: Mode) -> Evaluator<'v> {
        let view = self.view;
        Evaluator::new(
            view.program,
            view.graph,
            self.ambient,
            who,
            self.start,
            view.rows,
            view.limits,
        )
        .with_mode(mode)
    }

    fn candidates(
        &mut self,
        relation: Symbol,
        types: &[Symbol],
        out: &mut Vec<Candidate>,
    ) -> Result<(), EngineError> {
        let graph = self.view.graph;
        let mode = Mode {
            explicit: self.explicit,
            ..Mode::default()
        };
        let nobody = Who::known(graph, ObjectId::ABSENT);
        let mut evaluator = self.evaluator(nobody, mode);
        let found = subjects::find(&mut evaluator, self.object, relation)?;
        let mut everybody = FxHashSet::default();
        for subject_type in types.iter().copied().collect::<BTreeSet<Symbol>>() {
            let wild = found.wildcards.contains(&subject_type);
            let starred = (wild || found.anybody) && self.star(self.explicit, relation, subject_type)?;
            self.stars.insert((subject_type, relation), starred);
            if starred && graph.wildcard(subject_type) != ObjectId::ABSENT {
                out.push(Candidate {
                    object: graph.wildcard(subject_type),
                    relation,
                    certainty: Certainty::Certain,
                    via: None,
                });
            }
            if found.anybody || (wild && !starred) {
                if evaluator.is_bound(subject_type) {
                    return Err(EngineError::InTables(graph.name(subject_type).to_owned()));
                }
                everybody.insert(subject_type);
            } else {
                let named = found.subjects.iter().filter(|(subject, _)| {
                    graph.type_of(**subject) == subject_type
                        && graph.resource(**subject).is_some()
                        && evaluator.has_row(**subject)
                });
                out.extend(named.map(|(subject, exact)| Candidate {
                    object: *subject,
                    relation,
                    certainty: if *exact {
                        Certainty::Certain
                    } else {
                        Certainty::Maybe
                    },
                    via: None,
                }));
            }
        }
        evaluator.all_read()?;
        if !everybody.is_empty() {
            let all = everybody.iter().flat_map(|of| graph.resources_of_type(*of));
            out.extend(all.map(|resource| Candidate {
                object: resource.object,
                relation,
                certainty: Certainty::Maybe,
                via: None,
            }));
        }
        Ok(())
    }

    /// Whether the row `type:*` stands for all subjects of the type.
    fn star(&mut self, explicit: bool, relation: Symbol, subject_type: Symbol) -> Result<bool, EngineError> {
        let graph = self.view.graph;
        let words = Subject {
            resource_type: graph.name(subject_type),
            id: "*",
            relation: None,
        };
        let who = Who::resolve(graph, words);
        let mut evaluator = self.evaluator(
            who,
            Mode {
                explicit,
                ..Mode::default()
            },
        );
        let value = evaluator.holds(self.object, relation)?;
        if value == Value::Unknown {
            evaluator.all_read()?;
        }
        if value == Value::False || !subjects::is_uniform(&mut evaluator, self.object, relation)? {
            return Ok(false);
        }
        if explicit == self.explicit {
            self.unknown.ask(&mut evaluator, self.object, relation)?;
        }
        Ok(value.grants())
    }

    fn is_starred(&self, subject: ObjectId, relation: Symbol) -> bool {
        self.stars
            .get(&(self.view.graph.type_of(subject), relation))
            .copied()
            .unwrap_or(false)
    }

    fn row(
        &mut self,
        Candidate {
            object: subject,
            relation,
            ..
        }: Candidate,
    ) -> Result<Row, EngineError> {
        let subject_type = self.view.graph.type_of(subject);
        let explicit_star = match self.explicit_stars.get(&(subject_type, relation)) {
            Some(star) => *star,
            None => {
                let star = self.star(true, relation, subject_type)?;
                self.explicit_stars.insert((subject_type, relation), star);
                star
            }
        };
        let is_star = self.view.graph.is_wildcard(subject);
        let who = Who::known(self.view.graph, subject);
        let is_implicit = if is_star {
            !explicit_star
        } else {
            let mode = Mode {
                explicit: true,
                without_wildcards: explicit_star,
            };
            !self.evaluator(who, mode).holds(self.object, relation)?.grants()
        };
        let mut by_warrants = self.evaluator(
            who,
            Mode {
                explicit: true,
                ..Mode::default()
            },
        );
        let mut evaluator = self.evaluator(
            who,
            Mode {
                explicit: self.explicit,
                ..Mode::default()
            },
        );
        let warrant =
            Witness::new(&mut evaluator, &mut by_warrants, RowIs::Subject).of(self.object, relation)?;
        Ok(Row {
            object: subject,
            relation,
            warrant,
            is_implicit,
        })
    }
}

/// What stayed unknown among the candidates.
#[derive(Debug, Default)]
struct Unknowns {
    keys: BTreeSet<String>,
    problems: BTreeSet<String>,
}

impl Unknowns {
    fn ask(
        &mut self,
        evaluator: &mut Evaluator<'_>,
        object: ObjectId,
        relation: Symbol,
    ) -> Result<bool, EngineError> {
        let value = evaluator.holds(object, relation)?;
        if value == Value::Unknown {
            evaluator.all_read()?;
            let found = missing::of(evaluator, object, relation)?;
            self.keys.extend(found.keys);
            self.problems.extend(found.problems);
        }
        Ok(value.grants())
    }

    fn into_rows(self, rows: Vec<Row>, more: bool) -> Rows {
        Rows {
            rows,
            more,
            missing: self.keys.into_iter().collect(),
            problems: self.problems.into_iter().collect(),
        }
    }
}
