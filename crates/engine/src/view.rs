//! The entry point: a program and a snapshot that belong together, and the questions one can put to them.

use rowgate_graph::{ObjectId, Snapshot, Symbol};

use crate::eval::{Evaluator, Start};
use crate::program::Program;
use crate::rows::Rows;
use crate::who::Who;
use crate::{Ambient, Check, EngineError, Limits, Subject, Value, missing};

/// What a request sees: one schema and one revision of the graph.
///
/// The program must have been compiled against the graph that the snapshot is of.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The schema.
    pub program: &'a Program,
    /// The warrants.
    pub graph: &'a Snapshot,
    /// The rows that were read, where the schema has bound types.
    pub rows: Option<&'a Rows>,
    /// Bounds on each decision.
    pub limits: Limits,
}

/// The answer to a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// True, false, or unknown. Only true grants.
    pub value: Value,
    /// Whether more than one stored warrant for this very resource and relation was needed. `false` unless granted.
    pub is_implicit: bool,
    /// For an unknown answer: the context keys that were missing or ill-typed, sorted.
    pub missing: Vec<String>,
    /// For an unknown answer: what was wrong with them, in words.
    pub problems: Vec<String>,
    /// How many warrants and rules were looked at, sixteen steps of a policy counting as one; at least one.
    pub work: u64,
}

impl Decision {
    fn certain(value: Value, direct: bool, work: u64) -> Self {
        Self {
            value,
            is_implicit: value == Value::True && !direct,
            missing: vec![],
            problems: vec![],
            work,
        }
    }
}

impl<'a> View<'a> {
    /// A view with the default limits.
    pub fn new(program: &'a Program, graph: &'a Snapshot) -> Self {
        Self {
            program,
            graph,
            rows: None,
            limits: Limits::default(),
        }
    }

    /// The same view with the rows that were read. Without them, resources of bound types would be decided by warrants alone.
    #[must_use]
    pub fn with_rows(self, rows: &'a Rows) -> Self {
        Self {
            rows: Some(rows),
            ..self
        }
    }

    /// Does the subject have the relation on the resource?
    ///
    /// # Errors
    /// [`EngineError::UnknownType`] for a resource type that the schema does not have, [`EngineError::Unread`] for rows that the answer
    /// needs, and the limits.
    pub fn check(&self, check: &Check<'_>, ambient: &Ambient<'_>) -> Result<Decision, EngineError> {
        let resource_type = self.known_type(check.resource_type)?;
        let Some(relation) = self.graph.symbol(check.relation) else {
            return Ok(Decision::certain(Value::False, false, 1));
        };
        let start = Start {
            resource_type,
            id: check.resource_id,
        };
        let subject_type = self.graph.symbol(check.subject.resource_type);
        // An unknown type finds nothing under the symbol that no name has.
        let subject = (subject_type.unwrap_or(Symbol::NONE), check.subject.id);
        let [object, found] = self.graph.find_both((resource_type, check.resource_id), subject);
        let who = Who::found(self.graph, check.subject, subject_type, found);
        self.decide(start, object, relation, who, ambient)
    }

    /// The same about a resource, a relation and a subject that were found in this very graph. Nobody has a relation that it does not know.
    ///
    /// # Errors
    /// Those of [`View::check`].
    pub fn check_found(
        &self,
        resource: ObjectId,
        relation: Option<Symbol>,
        subject: ObjectId,
        ambient: &Ambient<'_>,
    ) -> Result<Decision, EngineError> {
        let start = Start {
            resource_type: self.graph.type_of(resource),
            ..NOWHERE
        };
        if !self.program.has_type(start.resource_type) {
            return Err(EngineError::UnknownType(
                self.graph.name(start.resource_type).to_owned(),
            ));
        }
        let Some(relation) = relation else {
            return Ok(Decision::certain(Value::False, false, 1));
        };
        let who = Who::known(self.graph, subject);
        self.decide(start, resource, relation, who, ambient)
    }

    #[inline]
    fn decide<'b>(
        &'b self,
        start: Start<'b>,
        object: ObjectId,
        relation: Symbol,
        who: Who<'b>,
        ambient: &'b Ambient<'b>,
    ) -> Result<Decision, EngineError> {
        if let Some(decision) = self.at_once(start.resource_type, object, relation, &who) {
            return Ok(decision);
        }
        let mut evaluator = Evaluator::new(
            self.program,
            self.graph,
            ambient,
            who,
            start,
            self.rows,
            self.limits,
        );
        let (value, direct) = evaluator.holds_directly(object, relation)?;
        let work = evaluator.work().max(1);
        match value {
            Value::True | Value::False => Ok(Decision::certain(value, direct, work)),
            Value::Unknown => {
                evaluator.all_read()?;
                let found = missing::of(&mut evaluator, object, relation)?;
                let (missing, problems) = (
                    found.keys.into_iter().collect(),
                    found.problems.into_iter().collect(),
                );
                Ok(Decision {
                    value,
                    is_implicit: false,
                    missing,
                    problems,
                    work,
                })
            }
        }
    }

    /// What the warrants on the resource say by themselves, where that decides: most questions of most applications are about a
    /// warrant that is there. The evaluator would say the same, and takes three times as long to set up as to ask.
    #[inline]
    fn at_once(
        &self,
        resource_type: Symbol,
        object: ObjectId,
        relation: Symbol,
        who: &Who<'_>,
    ) -> Option<Decision> {
        if self.rows.is_some() || self.limits.work == 0 {
            return None;
        }
        let edges = self.graph.subjects(object);
        if edges.at_once(relation, who.relation, who.object)? {
            return Some(Decision::certain(Value::True, true, 1));
        }
        let ruled = || {
            let known = self.program.relation(resource_type, relation);
            known.is_some_and(|known| known.rule.is_some())
        };
        let certain = who.wildcard == ObjectId::ABSENT && !ruled();
        certain.then(|| Decision::certain(Value::False, false, 1))
    }

    pub(crate) fn known_type(&self, name: &str) -> Result<Symbol, EngineError> {
        let symbol = self
            .graph
            .symbol(name)
            .filter(|symbol| self.program.has_type(*symbol));
        symbol.ok_or_else(|| EngineError::UnknownType(name.to_owned()))
    }

    pub(crate) fn evaluator<'b>(
        &self,
        ambient: &'b Ambient<'b>,
        subject: Subject<'b>,
        start: Start<'b>,
    ) -> Evaluator<'b>
    where
        'a: 'b,
    {
        let who = Who::resolve(self.graph, subject);
        Evaluator::new(
            self.program,
            self.graph,
            ambient,
            who,
            start,
            self.rows,
            self.limits,
        )
    }
}

/// A start that no question goes through: for evaluators that are only asked about resources the graph knows.
pub(crate) const NOWHERE: Start<'static> = Start {
    resource_type: Symbol::NONE,
    id: "",
};

/// A resource's number is enough to be asked about.
pub(crate) type Node = (ObjectId, Symbol);
