//! The evaluator: `holds` of docs/semantics.md for one subject and one context.
//!
//! It walks from the resource towards the subject. Cycles are resolved as a least fixpoint: an entry met while it is still
//! being computed counts as false for the moment, whatever rests on that is provisional, and the entry that closes
//! the cycle computes again until nothing it provisionally used has risen. Values only ever rise, so this ends; and because an
//! under-estimate can make nothing true that is not (nothing inside a `none_of` is ever still open), a *true* found on
//! the way is final at once.
//!
//! Here are the steps themselves. `fixpoint`: values that are remembered; `policy`: what policies see; `reach`: what the subject's side
//! rules out; `rows`: resources that are rows.

mod fixpoint;
mod policy;
mod reach;
mod rows;

use rowgate_graph::{Edge, Edges, ObjectId, Snapshot, Symbol};
use rowgate_schema::ast::GroupOp;
use rustc_hash::FxHashSet;
use smallvec::SmallVec;

use crate::memo::{Memo, Slot};
use crate::program::{Program, Relation, Rule};
use crate::rows::Rows;
use crate::who::Who;
use crate::{Ambient, EngineError, Limits, Value};
use reach::{Reach, Said};

/// Rests on nothing that is still open.
const SETTLED: u32 = u32::MAX;

/// A value and the outermost open entry it rests on.
type Partial = (Value, u32);

/// How a question is to be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Mode {
    /// Rules do not apply, only stored warrants and group membership.
    pub(crate) explicit: bool,
    /// Wildcard warrants do not count.
    pub(crate) without_wildcards: bool,
}

/// What is being decided: a relation of a resource, whose type is known wherever a rule led to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point<'a> {
    object: ObjectId,
    resource_type: Symbol,
    relation: Symbol,
    /// The warrants on the resource.
    edges: Edges<'a>,
    /// The rule of the relation, where rules apply.
    rule: Option<&'a Rule>,
}

/// The resource a question starts at, which need not exist.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start<'a> {
    pub(crate) resource_type: Symbol,
    pub(crate) id: &'a str,
}

pub(crate) struct Evaluator<'a> {
    pub(crate) program: &'a Program,
    pub(crate) graph: &'a Snapshot,
    pub(crate) ambient: &'a Ambient<'a>,
    pub(crate) who: Who<'a>,
    pub(crate) mode: Mode,
    /// What [`ObjectId::ABSENT`] stands for.
    start: Start<'a>,
    rows: Option<&'a Rows>,
    /// Resources whose rows were needed and not read.
    unread: FxHashSet<(Symbol, ObjectId)>,
    limits: Limits,
    work: u64,
    memo: Memo,
    open: u32,
    pass: u32,
    /// How often a value rose after somebody had used the lower one.
    rises: u64,
    provisional: Vec<Slot>,
    /// What was found out about the subject so far.
    reaches: SmallVec<[Reach<'a>; 1]>,
    /// A relation of a resource that an unconditional warrant gives the subject, as its own side told: the resource's list, which can be
    /// long, need not be searched for it.
    held: Option<(ObjectId, Symbol)>,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(
        program: &'a Program,
        graph: &'a Snapshot,
        ambient: &'a Ambient<'a>,
        who: Who<'a>,
        start: Start<'a>,
        rows: Option<&'a Rows>,
        limits: Limits,
    ) -> Self {
        Self {
            program,
            graph,
            ambient,
            who,
            mode: Mode::default(),
            start,
            rows,
            unread: FxHashSet::default(),
            limits,
            work: 0,
            memo: Memo::default(),
            open: 0,
            pass: 0,
            rises: 0,
            provisional: Vec::new(),
            reaches: SmallVec::new(),
            held: None,
        }
    }

    pub(crate) fn with_mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Starts over for another subject; memory is kept for reuse.
    pub(crate) fn ask_for(&mut self, who: Who<'a>) {
        self.who = who;
        self.memo.clear();
        self.provisional.clear();
        self.reaches.clear();
        self.held = None;
    }

    pub(crate) fn type_of(&self, object: ObjectId) -> Symbol {
        if object == ObjectId::ABSENT {
            self.start.resource_type
        } else {
            self.graph.type_of(object)
        }
    }

    pub(crate) fn id_of(&self, object: ObjectId) -> &'a str {
        if object == ObjectId::ABSENT {
            self.start.id
        } else {
            self.graph.id_of(object)
        }
    }

    /// `holds(object, relation, subject)`.
    pub(crate) fn holds(&mut self, object: ObjectId, relation: Symbol) -> Result<Value, EngineError> {
        let point = self.point(object, relation);
        self.node(point).map(|(value, _)| value)
    }

    pub(crate) fn point(&self, object: ObjectId, relation: Symbol) -> Point<'a> {
        let resource_type = self.type_of(object);
        Point {
            object,
            resource_type,
            relation,
            edges: self.graph.subjects(object),
            rule: self.rule_at(resource_type, relation),
        }
    }

    /// The error when a path of `depth` hops is one too long.
    pub(crate) fn within_depth(&self, depth: usize) -> Result<(), EngineError> {
        let limit = self.limits.depth;
        if depth > limit as usize {
            return Err(EngineError::TooDeep { limit });
        }
        Ok(())
    }

    /// How much work was done so far.
    pub(crate) fn work(&self) -> u64 {
        self.work
    }

    pub(crate) fn spend(&mut self, work: u64) -> Result<(), EngineError> {
        self.work += work;
        if self.work > self.limits.work {
            return Err(EngineError::TooMuchWork {
                limit: self.limits.work,
            });
        }
        Ok(())
    }

    /// Steps 1 and 2: the value by warrants that name the subject or its wildcard.
    #[inline]
    fn direct_among(
        &mut self,
        edges: Edges<'a>,
        object: ObjectId,
        relation: Symbol,
    ) -> Result<Value, EngineError> {
        if edges.is_empty() {
            return Ok(Value::False);
        }
        let by_name = edges.to(relation, self.who.relation, self.who.object);
        let value = self.best_of(by_name, object, relation)?;
        match self.counting_wildcard() {
            Some(wildcard) if value != Value::True => {
                let by_wildcard = edges.to(relation, Symbol::NONE, wildcard);
                Ok(value.max(self.best_of(by_wildcard, object, relation)?))
            }
            _ => Ok(value),
        }
    }

    /// The best value of warrants that differ in their policies alone. An unconditional one comes first; the others can be many.
    #[inline]
    fn best_of(
        &mut self,
        edges: impl Iterator<Item = &'a Edge>,
        object: ObjectId,
        relation: Symbol,
    ) -> Result<Value, EngineError> {
        let mut value = Value::False;
        for edge in edges {
            if edge.policy().is_none() {
                return Ok(Value::True);
            }
            self.spend(1)?;
            value = value.max(self.warrant_value(object, relation, edge)?);
            if value == Value::True {
                break;
            }
        }
        Ok(value)
    }

    /// `holds(object, relation, subject)`, and whether steps 1 and 2 alone make it true.
    pub(crate) fn holds_directly(
        &mut self,
        object: ObjectId,
        relation: Symbol,
    ) -> Result<(Value, bool), EngineError> {
        let point = self.point(object, relation);
        self.spend(1)?;
        if let Some(verdict) = self.by_row(point) {
            return Ok((verdict, false));
        }
        let edges = point.edges.about(relation);
        let direct = self.direct_among(edges, object, relation)?;
        if direct == Value::True {
            return Ok((direct, true));
        }
        let (value, _) = self.beyond(point, edges, direct)?;
        Ok((value, false))
    }

    #[inline]
    fn node(&mut self, point: Point<'a>) -> Result<Partial, EngineError> {
        self.spend(1)?;
        if let Some(verdict) = self.by_row(point) {
            return Ok((verdict, SETTLED));
        }
        if self.held == Some((point.object, point.relation)) {
            return Ok((Value::True, SETTLED));
        }
        let edges = point.edges.about(point.relation);
        let direct = self.direct_among(edges, point.object, point.relation)?;
        if direct == Value::True {
            return Ok((Value::True, SETTLED));
        }
        self.beyond(point, edges, direct)
    }

    /// What is not true by steps 1 and 2.
    #[inline]
    fn beyond(&mut self, point: Point<'a>, edges: Edges<'a>, direct: Value) -> Result<Partial, EngineError> {
        if point.rule.is_none() && edges.of_with_second(point.relation).next().is_none() {
            return Ok((direct, SETTLED));
        }
        self.derived(point, edges, direct)
    }

    /// The value of one rule of `relation` on `object`, by itself.
    pub(crate) fn rule_value(
        &mut self,
        rule: &Rule,
        object: ObjectId,
        relation: Symbol,
    ) -> Result<Value, EngineError> {
        let point = self.point(object, relation);
        self.rule(rule, point).map(|(value, _)| value)
    }

    /// The wildcard that stands for the subject, where wildcards count.
    pub(crate) fn counting_wildcard(&self) -> Option<ObjectId> {
        (self.who.wildcard != ObjectId::ABSENT && !self.mode.without_wildcards).then_some(self.who.wildcard)
    }

    pub(crate) fn rule_of(&self, object: ObjectId, relation: Symbol) -> Option<&'a Rule> {
        self.rule_at(self.type_of(object), relation)
    }

    #[inline]
    fn rule_at(&self, resource_type: Symbol, relation: Symbol) -> Option<&'a Rule> {
        self.rule_in(self.program.relation(resource_type, relation))
    }

    /// The rule of a relation, where rules apply.
    #[inline]
    fn rule_in(&self, declared: Option<&'a Relation>) -> Option<&'a Rule> {
        declared?.rule.as_ref().filter(|_| !self.mode.explicit)
    }

    /// Steps 3 and 4.
    fn equation(
        &mut self,
        point: Point<'a>,
        edges: Edges<'a>,
        direct: Value,
    ) -> Result<Partial, EngineError> {
        let (mut value, mut low) = (direct, SETTLED);
        for edge in edges.of_with_second(point.relation) {
            self.spend(1)?;
            let warrant = self.warrant_value(point.object, point.relation, edge)?;
            if warrant <= value {
                continue;
            }
            let group = self.point(edge.other(), edge.second());
            let (member, rests_on) = self.node(group)?;
            value = value.max(warrant.min(member));
            if value == Value::True {
                return Ok((value, SETTLED));
            }
            low = low.min(rests_on);
        }
        if let Some(rule) = point.rule {
            let (by_rule, rests_on) = self.rule(rule, point)?;
            value = value.max(by_rule);
            low = low.min(rests_on);
        }
        Ok((value, if value == Value::True { SETTLED } else { low }))
    }

    fn rule(&mut self, rule: &Rule, point: Point<'a>) -> Result<Partial, EngineError> {
        match rule {
            Rule::Relation(relation) => self.node(Point {
                relation: *relation,
                rule: self.rule_at(point.resource_type, *relation),
                ..point
            }),
            Rule::On {
                relation,
                edge,
                resource_type,
            } => self.over(point, *relation, *edge, *resource_type),
            Rule::Policy(policy) => {
                let outcome = self.policy_outcome(*policy, point.object, point.relation)?;
                Ok(((&outcome).into(), SETTLED))
            }
            Rule::Group(op, rules) => self.group(*op, rules, point),
        }
    }

    fn over(
        &mut self,
        point: Point<'a>,
        relation: Symbol,
        edge: Symbol,
        resource_type: Symbol,
    ) -> Result<Partial, EngineError> {
        let edges = point.edges.with(edge, Symbol::NONE);
        if edges.is_empty() {
            return Ok((Value::False, SETTLED));
        }
        let (mut value, mut low) = (Value::False, SETTLED);
        let declared = self.program.relation(resource_type, relation);
        let rule = self.rule_in(declared);
        let reach = declared.and_then(|declared| self.reach(declared));
        for edge in edges {
            self.spend(1)?;
            // Before the far end is looked at, which costs more than all else.
            match self.said_of(reach, edge.other()) {
                Said::No => continue,
                Said::Holds(relation) => self.held = Some((edge.other(), relation)),
                Said::Perhaps => {}
            }
            if !is_far_end(self.graph, edge, resource_type) {
                continue;
            }
            let warrant = self.warrant_value(point.object, point.relation, edge)?;
            if warrant <= value {
                continue;
            }
            let far = Point {
                object: edge.other(),
                resource_type,
                relation,
                edges: self.graph.subjects(edge.other()),
                rule,
            };
            let (far, rests_on) = self.node(far)?;
            value = value.max(warrant.min(far));
            if value == Value::True {
                return Ok((value, SETTLED));
            }
            low = low.min(rests_on);
        }
        Ok((value, low))
    }

    /// The stored edges that `relation … on EDGE [TYPE]` follows.
    pub(crate) fn far_ends(
        &self,
        object: ObjectId,
        edge: Symbol,
        resource_type: Symbol,
    ) -> impl Iterator<Item = &'a Edge> + use<'a> {
        let graph = self.graph;
        let edges = graph.subjects(object).with(edge, Symbol::NONE);
        edges.filter(move |edge| is_far_end(graph, edge, resource_type))
    }

    fn group(&mut self, op: GroupOp, rules: &[Rule], point: Point<'a>) -> Result<Partial, EngineError> {
        let mut low = SETTLED;
        match op {
            GroupOp::AnyOf => {
                let mut value = Value::False;
                for rule in rules {
                    let (next, rests_on) = self.rule(rule, point)?;
                    value = value.max(next);
                    if value == Value::True {
                        return Ok((value, SETTLED));
                    }
                    low = low.min(rests_on);
                }
                Ok((value, low))
            }
            GroupOp::AllOf => {
                let mut value = Value::True;
                for rule in rules {
                    let (next, rests_on) = self.rule(rule, point)?;
                    if next == Value::False {
                        return Ok((next, rests_on));
                    }
                    value = value.min(next);
                    low = low.min(rests_on);
                }
                Ok((value, low))
            }
            GroupOp::NoneOf => {
                let mut value = Value::False;
                for rule in rules {
                    let (next, rests_on) = self.rule(rule, point)?;
                    // INVARIANT: nothing inside a `none_of` rests on an open entry, because schemas and group warrants
                    // that would make it so are refused. Should one be stored all the same, the answer is unknown.
                    let next = if rests_on == SETTLED {
                        next
                    } else {
                        next.max(Value::Unknown)
                    };
                    value = value.max(next);
                    if value == Value::True {
                        break;
                    }
                }
                Ok((value.negated(), SETTLED))
            }
        }
    }
}

/// Whether `relation … on EDGE [TYPE]` goes on at the other end of an edge.
fn is_far_end(graph: &Snapshot, edge: &Edge, resource_type: Symbol) -> bool {
    graph.is_of(edge.other(), resource_type)
}
