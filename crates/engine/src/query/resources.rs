//! `select TYPES where SUBJECT is RELATIONS`: which resources?
//!
//! Candidates are found by walking from the subject towards resources along stored warrants and the drivers of rules: that
//! reaches everything that can hold and perhaps more. What was reached by plain warrants and disjunctive rules alone holds
//! for certain; the rest is asked, with one memory for the whole query.

use rowgate_graph::{Edge, ObjectId, Symbol, WarrantId};
use rowgate_schema::ast::GroupOp;
use rustc_hash::{FxHashMap, FxHashSet};

use super::page::{Candidate, Certainty};
use crate::EngineError;
use crate::drivers::Driver;
use crate::eval::Evaluator;
use crate::program::{Relation, Rule};
use crate::view::Node;

type Kind = (Symbol, Symbol);

pub(crate) struct Search<'e, 'a> {
    evaluator: &'e mut Evaluator<'a>,
    /// Sorted.
    relevant: Vec<Kind>,
    reached: FxHashMap<Node, Reached>,
    queue: Vec<(Node, Reached)>,
}

/// What is known of a (resource, relation) that was reached.
#[derive(Debug, Clone, Copy)]
struct Reached {
    certainty: Certainty,
    /// The last warrant on the way, if it is known to be the one to report: an explicit one wins over an implicit one.
    via: Option<WarrantId>,
    /// It was reached by warrants alone.
    explicit: bool,
}

/// Everything of the wanted (type, relation) pairs that can hold for the evaluator's subject.
///
/// Walking from the subject finds only warrants. Where rows can have a part in a goal the list would be cut short, so it is refused.
pub(crate) fn candidates(
    evaluator: &mut Evaluator<'_>,
    goals: &FxHashSet<Kind>,
) -> Result<Vec<Candidate>, EngineError> {
    let mut relevant: Vec<Kind> = relevant(evaluator, goals).into_iter().collect();
    relevant.sort_unstable();
    if let Some((resource_type, _)) = relevant
        .iter()
        .find(|(resource_type, _)| evaluator.is_bound(*resource_type))
    {
        return Err(EngineError::InTables(
            evaluator.graph.name(*resource_type).to_owned(),
        ));
    }
    let mut search = Search {
        evaluator,
        relevant,
        reached: FxHashMap::with_capacity_and_hasher(1024, Default::default()),
        queue: Vec::with_capacity(1024),
    };
    search.start()?;
    while let Some((node, reached)) = search.queue.pop() {
        search.follow(node, reached)?;
    }
    let graph = search.evaluator.graph;
    let wanted = |object: ObjectId, relation: Symbol| {
        goals.contains(&(graph.type_of(object), relation)) && graph.resource(object).is_some()
    };
    Ok(search
        .reached
        .into_iter()
        .filter(|((object, relation), _)| wanted(*object, *relation))
        .map(|((object, relation), Reached { certainty, via, .. })| Candidate {
            object,
            relation,
            certainty,
            via,
        })
        .collect())
}

/// The (type, relation) pairs that can have a part in a goal.
fn relevant(evaluator: &Evaluator<'_>, goals: &FxHashSet<Kind>) -> FxHashSet<Kind> {
    let mut groups: FxHashMap<Kind, Vec<Kind>> = FxHashMap::default();
    for kind in evaluator.graph.group_kinds() {
        let of = (kind.resource_type, kind.relation);
        groups
            .entry(of)
            .or_default()
            .push((kind.subject_type, kind.subject_relation));
    }
    let mut found = goals.clone();
    let mut queue: Vec<Kind> = goals.iter().copied().collect();
    while let Some(kind) = queue.pop() {
        let mut next = groups.get(&kind).cloned().unwrap_or_default();
        let rule = evaluator
            .program
            .relation(kind.0, kind.1)
            .and_then(|relation| relation.rule.as_ref());
        if let (Some(rule), false) = (rule, evaluator.mode.explicit) {
            rule.walk(&mut |rule| match rule {
                Rule::Relation(other) => next.push((kind.0, *other)),
                Rule::On {
                    relation,
                    resource_type,
                    ..
                } => next.push((*resource_type, *relation)),
                Rule::Policy(_) | Rule::Group(..) => {}
            });
        }
        queue.extend(next.into_iter().filter(|kind| found.insert(*kind)));
    }
    found
}

impl Search<'_, '_> {
    fn reach(&mut self, object: ObjectId, relation: Symbol, reached: Reached) {
        let kind = (self.evaluator.graph.type_of(object), relation);
        if self.relevant.binary_search(&kind).is_err() {
            return;
        }
        let node = (object, relation);
        let known = self.reached.get(&node).map(|known| known.certainty);
        if known.is_some_and(|known| known >= reached.certainty) {
            return;
        }
        self.reached.insert(node, reached);
        // What rests on it hears of it once, and again when it has become certain.
        if known.is_none() || reached.certainty == Certainty::Certain {
            self.queue.push((node, reached));
        }
    }

    fn start(&mut self) -> Result<(), EngineError> {
        let (graph, who) = (self.evaluator.graph, self.evaluator.who);
        let wildcard = self.evaluator.counting_wildcard();
        let from = [
            Some((who.object, who.relation)),
            wildcard.map(|wildcard| (wildcard, Symbol::NONE)),
        ];
        for (subject, as_relation) in from.into_iter().flatten() {
            for edge in graph.resources(subject).of(as_relation) {
                self.evaluator.spend(1)?;
                self.reach(
                    edge.other(),
                    edge.second(),
                    Reached::by_warrant(edge, Certainty::Certain, true),
                );
            }
        }
        if !self.evaluator.mode.explicit {
            for (resource_type, relation) in self.relevant.clone() {
                if self.can_hold_anywhere(resource_type, relation)? {
                    self.reach_all(resource_type, relation)?;
                }
            }
        }
        Ok(())
    }

    /// Whether the relation can hold without anything in the graph that leads to it.
    fn can_hold_anywhere(&mut self, resource_type: Symbol, relation: Symbol) -> Result<bool, EngineError> {
        let drivers = self
            .evaluator
            .program
            .relation(resource_type, relation)
            .map(|relation| &relation.drivers);
        for driver in drivers.into_iter().flatten() {
            let can_hold = match driver {
                Driver::Every(None) => true,
                Driver::Every(Some(policy)) => self.evaluator.policy_can_hold(*policy)?,
                Driver::Same(_) | Driver::Over { .. } => false,
            };
            if can_hold {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn reach_all(&mut self, resource_type: Symbol, relation: Symbol) -> Result<(), EngineError> {
        for resource in self.evaluator.graph.resources_of_type(resource_type) {
            self.evaluator.spend(1)?;
            let reached = Reached {
                certainty: Certainty::Maybe,
                via: None,
                explicit: false,
            };
            self.reach(resource.object, relation, reached);
        }
        Ok(())
    }

    fn follow(&mut self, (object, relation): Node, reached: Reached) -> Result<(), EngineError> {
        let graph = self.evaluator.graph;
        for edge in graph.resources(object).of(relation) {
            self.evaluator.spend(1)?;
            let behind = reached.certainty.unless_partial();
            let by = Reached::by_warrant(edge, behind, reached.explicit);
            self.reach(edge.other(), edge.second(), by);
        }
        if self.evaluator.mode.explicit {
            return Ok(());
        }
        let program = self.evaluator.program;
        let resource_type = graph.type_of(object);
        for index in program.driven_by_same(resource_type, relation) {
            let driven = program.at(*index);
            let certainty = reached.certainty.unless_partial().min(driven.certainty());
            // By a rule of its own it may also hold explicitly, by a warrant that was not met yet.
            let settled = reached.explicit || graph.subjects(object).of(relation).next().is_none();
            let by = Reached {
                certainty,
                via: reached.via.filter(|_| settled),
                explicit: false,
            };
            self.reach(object, driven.relation, by);
        }
        if graph.is_wildcard(object) {
            return Ok(());
        }
        for (index, edge) in program.driven_over(resource_type, relation) {
            let driven = program.at(*index);
            let behind = reached.certainty.unless_partial().min(driven.certainty());
            for edge in graph.resources(object).with(Symbol::NONE, *edge) {
                self.evaluator.spend(1)?;
                if graph.type_of(edge.other()) == driven.resource_type {
                    self.reach(edge.other(), driven.relation, Reached::by_rule(edge, behind));
                }
            }
        }
        Ok(())
    }
}

impl Reached {
    /// By a direct or group warrant, from something of that certainty.
    fn by_warrant(edge: &Edge, behind: Certainty, explicit: bool) -> Self {
        let unconditional = edge.policy().is_none();
        Self {
            certainty: if unconditional { behind } else { Certainty::Maybe },
            via: Some(edge.warrant()),
            explicit: explicit && unconditional && behind == Certainty::Certain,
        }
    }

    /// Over the edge of a rule.
    fn by_rule(edge: &Edge, behind: Certainty) -> Self {
        Self {
            explicit: false,
            ..Self::by_warrant(edge, behind, false)
        }
    }
}

impl Certainty {
    /// What rests on something that holds in part only is not certain at all.
    fn unless_partial(self) -> Self {
        match self {
            Self::Certain => Self::Certain,
            Self::Branch | Self::Maybe => Self::Maybe,
        }
    }
}

impl Relation {
    /// What a driver that holds says about the relation.
    fn certainty(&self) -> Certainty {
        match self.branch {
            _ if self.disjunctive => Certainty::Certain,
            Some(_) => Certainty::Branch,
            None => Certainty::Maybe,
        }
    }
}

impl Evaluator<'_> {
    /// Whether a candidate of which a branch holds holds altogether; `false` when that is not all there is to ask.
    pub(crate) fn rest_holds(&mut self, object: ObjectId, relation: Symbol) -> Result<bool, EngineError> {
        let Some(declared) = self.program.relation(self.type_of(object), relation) else {
            return Ok(false);
        };
        let (Some(branch), Some(Rule::Group(_, rules))) = (declared.branch, &declared.rule) else {
            return Ok(false);
        };
        for (at, rule) in rules.iter().enumerate() {
            if at != branch && !self.rule_value(rule, object, relation)?.grants() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a schema policy is, or for some resource could be, true. An unknown one could be, with more context: its
    /// candidates are looked at so that the missing keys are reported.
    pub(crate) fn policy_can_hold(
        &mut self,
        policy: crate::program::PolicyIndex,
    ) -> Result<bool, EngineError> {
        let named = self.program.policy(policy);
        Ok(named.policy.uses().check_ctx
            || !self
                .policy_outcome(policy, ObjectId::ABSENT, Symbol::NONE)?
                .is_false())
    }

    /// Whether the rule's value can depend on who asks other than by warrants.
    pub(crate) fn asks_who(&self, rule: &Rule) -> bool {
        match rule {
            Rule::Policy(policy) => self.program.policy(*policy).policy.uses().check_ctx,
            Rule::Group(GroupOp::NoneOf, _) => true,
            Rule::Group(_, rules) => rules.iter().any(|rule| self.asks_who(rule)),
            Rule::Relation(_) | Rule::On { .. } => false,
        }
    }
}
