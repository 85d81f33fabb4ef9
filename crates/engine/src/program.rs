//! The model in the graph's symbols: what the evaluator walks.

use std::sync::Arc;

use rowgate_graph::{Graph, GraphError, Symbol};
use rowgate_policy::Policy;
use rowgate_schema::Model;
use rowgate_schema::ast::{self, GroupOp};
use rustc_hash::FxHashMap;

use crate::drivers::{self, Driver};

/// Relations that rest on more warrants than this are looked at from the resource alone.
const MOST_LEAVES: usize = 4;

/// A rule in symbols. See [`ast::Rule`] for the meaning of each.
#[derive(Debug, Clone)]
pub(crate) enum Rule {
    Relation(Symbol),
    On {
        relation: Symbol,
        edge: Symbol,
        resource_type: Symbol,
    },
    Group(GroupOp, Box<[Rule]>),
    Policy(PolicyIndex),
}

/// Index into [`Program::policies`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PolicyIndex(u32);

/// Index into [`Program::relations`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RelationIndex(u32);

#[derive(Debug)]
pub(crate) struct Relation {
    pub(crate) resource_type: Symbol,
    pub(crate) relation: Symbol,
    pub(crate) rule: Option<Rule>,
    /// When the rule is true, at least one of these holds. See [`drivers`].
    pub(crate) drivers: Vec<Driver>,
    /// The rule consists of `any_of`, `relation` and `relation … on …` alone, so a true driver makes it true.
    pub(crate) disjunctive: bool,
    /// The rule is an `all_of`, of which a true driver makes this part true. See [`drivers::branch`].
    pub(crate) branch: Option<usize>,
    /// Relations of the same resource, itself among them: where none of them is given by a warrant, this one is false. `None` when it can
    /// hold without, or has no rule, and so takes nothing but a look.
    pub(crate) leaves: Option<Box<[Symbol]>>,
}

#[derive(Debug)]
pub(crate) struct NamedPolicy {
    pub(crate) name: String,
    pub(crate) policy: Arc<Policy>,
}

/// A checked schema, ready to decide with on the graph whose symbols it was compiled to.
#[derive(Debug, Default)]
pub struct Program {
    /// By type symbol; relations sorted by symbol.
    types: Vec<Option<Vec<(Symbol, RelationIndex)>>>,
    /// [`declared`] -> where it is among `relations`.
    declared: FxHashMap<u32, RelationIndex>,
    relations: Vec<Relation>,
    policies: Vec<NamedPolicy>,
    /// (type, relation) -> relations of the same type that it drives.
    same: FxHashMap<(Symbol, Symbol), Vec<RelationIndex>>,
    /// (type, relation) -> relations it drives over an edge, with the edge.
    over: FxHashMap<(Symbol, Symbol), Vec<(RelationIndex, Symbol)>>,
}

/// A relation of a type as one number: it is looked up for every step of a decision.
#[inline]
fn declared(resource_type: Symbol, relation: Symbol) -> u32 {
    (resource_type.index() as u32) << 16 | relation.index() as u32
}

impl Program {
    /// Compiles a model; its names become symbols of `graph`.
    ///
    /// # Errors
    /// [`GraphError::TooManyNames`].
    pub fn compile(model: &Model, graph: &mut Graph) -> Result<Self, GraphError> {
        let mut program = Self::default();
        let schema = model.schema();
        let mut indexes: FxHashMap<&str, PolicyIndex> = FxHashMap::default();
        for definition in &schema.policies {
            let Some(policy) = model.policy(&definition.name.text) else {
                continue;
            };
            indexes.insert(&definition.name.text, PolicyIndex(program.policies.len() as u32));
            let name = definition.name.text.clone();
            program.policies.push(NamedPolicy {
                name,
                policy: Arc::clone(policy),
            });
        }
        for definition in &schema.types {
            let resource_type = graph.intern(&definition.name.text)?;
            // The row `type:*` of a query needs a number even where no warrant has that subject.
            graph.ensure_resource(&definition.name.text, "*", 0)?;
            let mut listed = Vec::with_capacity(definition.relations.len());
            for relation in &definition.relations {
                let symbol = graph.intern(&relation.name.text)?;
                let rule = relation
                    .rule
                    .as_ref()
                    .map(|rule| lower(rule, graph, &indexes))
                    .transpose()?
                    .flatten();
                let index = RelationIndex(program.relations.len() as u32);
                listed.push((symbol, index));
                program.declared.insert(declared(resource_type, symbol), index);
                program.relations.push(Relation {
                    resource_type,
                    relation: symbol,
                    drivers: rule.as_ref().map_or(Vec::new(), drivers::of),
                    disjunctive: rule.as_ref().is_none_or(drivers::is_disjunctive),
                    branch: rule.as_ref().and_then(drivers::branch),
                    leaves: None,
                    rule,
                });
            }
            listed.sort_unstable();
            if program.types.len() <= resource_type.index() {
                program.types.resize_with(resource_type.index() + 1, || None);
            }
            program.types[resource_type.index()] = Some(listed);
        }
        program.index_drivers();
        for at in 0..program.relations.len() {
            program.relations[at].leaves = program.find_leaves(&program.relations[at]);
        }
        Ok(program)
    }

    /// See [`Relation::leaves`].
    fn find_leaves(&self, of: &Relation) -> Option<Box<[Symbol]>> {
        of.rule.as_ref()?;
        let mut found = vec![of.relation];
        let mut looked_at = 0;
        while let Some(leaf) = found.get(looked_at) {
            looked_at += 1;
            // A relation that the type does not declare has no rule.
            let Some(rule) = self
                .relation(of.resource_type, *leaf)
                .and_then(|leaf| leaf.rule.as_ref())
            else {
                continue;
            };
            for next in drivers::on_resource(rule)? {
                if !found.contains(&next) {
                    found.push(next);
                }
            }
            if found.len() > MOST_LEAVES {
                return None;
            }
        }
        Some(found.into_boxed_slice())
    }

    fn index_drivers(&mut self) {
        for (number, relation) in self.relations.iter().enumerate() {
            let index = RelationIndex(number as u32);
            for driver in &relation.drivers {
                match *driver {
                    Driver::Same(by) => self
                        .same
                        .entry((relation.resource_type, by))
                        .or_default()
                        .push(index),
                    Driver::Over {
                        relation: by,
                        edge,
                        resource_type,
                    } => {
                        self.over
                            .entry((resource_type, by))
                            .or_default()
                            .push((index, edge));
                    }
                    Driver::Every(_) => {}
                }
            }
        }
    }

    pub(crate) fn has_type(&self, resource_type: Symbol) -> bool {
        self.relations_of(resource_type).is_some()
    }

    /// The relations that the type declares, by symbol.
    pub(crate) fn relations_of(&self, resource_type: Symbol) -> Option<&[(Symbol, RelationIndex)]> {
        self.types.get(resource_type.index())?.as_deref()
    }

    /// The types that the schema defines.
    pub(crate) fn types(&self) -> impl Iterator<Item = Symbol> + '_ {
        let defined = self
            .types
            .iter()
            .enumerate()
            .filter(|(_, relations)| relations.is_some());
        defined.filter_map(|(index, _)| Symbol::from_index(index))
    }

    #[inline]
    pub(crate) fn relation(&self, resource_type: Symbol, relation: Symbol) -> Option<&Relation> {
        let index = self.declared.get(&declared(resource_type, relation))?;
        Some(self.at(*index))
    }

    pub(crate) fn at(&self, index: RelationIndex) -> &Relation {
        &self.relations[index.0 as usize]
    }

    pub(crate) fn policy(&self, index: PolicyIndex) -> &NamedPolicy {
        &self.policies[index.0 as usize]
    }

    pub(crate) fn driven_by_same(&self, resource_type: Symbol, relation: Symbol) -> &[RelationIndex] {
        self.same.get(&(resource_type, relation)).map_or(&[], |list| list)
    }

    pub(crate) fn driven_over(&self, resource_type: Symbol, relation: Symbol) -> &[(RelationIndex, Symbol)] {
        self.over.get(&(resource_type, relation)).map_or(&[], |list| list)
    }
}

/// `None` for a rule that names a policy the model does not have, which a checked model never does.
fn lower(
    rule: &ast::Rule,
    graph: &mut Graph,
    policies: &FxHashMap<&str, PolicyIndex>,
) -> Result<Option<Rule>, GraphError> {
    Ok(Some(match rule {
        ast::Rule::Relation { relation } => Rule::Relation(graph.intern(&relation.text)?),
        ast::Rule::On {
            relation,
            edge,
            resource_type,
        } => Rule::On {
            relation: graph.intern(&relation.text)?,
            edge: graph.intern(&edge.text)?,
            resource_type: graph.intern(&resource_type.text)?,
        },
        ast::Rule::Policy { policy } => match policies.get(policy.text.as_str()) {
            Some(index) => Rule::Policy(*index),
            None => return Ok(None),
        },
        ast::Rule::Group { op, rules, .. } => {
            let mut lowered = Vec::with_capacity(rules.len());
            for rule in rules {
                match lower(rule, graph, policies)? {
                    Some(rule) => lowered.push(rule),
                    None => return Ok(None),
                }
            }
            Rule::Group(*op, lowered.into_boxed_slice())
        }
    }))
}

impl Rule {
    /// The rule and every rule inside it.
    pub(crate) fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Rule)) {
        visit(self);
        if let Rule::Group(_, rules) = self {
            rules.iter().for_each(|rule| rule.walk(visit));
        }
    }
}
