//! Everything that `apply` puts into the database, as SQL.
//!
//! * `function`: functions of the subject, and those behind the hooks of `rowgate.check`
//! * `set`: functions of sets
//! * `reads`: what keeps the columns that these read from being dropped
//! * `plan`: what the planner asks before it chooses between the forms of a condition
//! * `policy`: the policies of a table
//! * `hook`: what SQL that is not ours learns of bound relations
//! * `list`: the server's statement for lists
//! * `statement`, `beside`: the server's statements for the rows that a check needs; `line`: what their lines hold

mod beside;
mod function;
mod hook;
mod line;
mod list;
mod plan;
mod policy;
mod reads;
mod set;
mod statement;

pub use function::Function;
pub(crate) use hook::without_bindings;
pub use line::{Ids, ReadEdge, ReadRow};
pub use list::{Begin, Order, QueryStatement};
pub use policy::{GuardedTable, TablePolicy};
pub(crate) use policy::{READERS, tables_of};
pub use statement::{MAX_EDGES, RowsStatement};

use std::collections::BTreeMap;

use rowgate_binding::{Command, Resolved};
use rowgate_schema::Model;

use crate::error::{Error, Refusal};
use crate::predicate::{Builder, Rules};
use crate::shape::Shapes;
use crate::sql::clause::join;
use crate::sql::who::Who;
use crate::sql::writer::{Finding, Sets, Writer};
use crate::words;

/// A schema, bindings that agree with it, and the columns of a database.
#[derive(Debug, Clone)]
pub struct Compiler {
    pub(crate) model: Model,
    pub(crate) resolved: Resolved,
    pub(crate) shapes: Shapes,
    /// The number of the environment in the database.
    pub(crate) environment: i32,
}

/// What one relation means for the rows of its table, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The relation, as `type#relation`.
    pub relation: String,
    /// The commands it guards.
    pub commands: Vec<Command>,
    /// The ways for it to hold, of which one is enough.
    pub ways: Vec<String>,
}

/// All objects of one environment, in the order in which they can be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// Functions in the schema `rowgate_rls`, owned by `rowgate_reader`.
    pub functions: Vec<Function>,
    /// Functions in the schema `rowgate`, owned by `rowgate_owner`: the hooks.
    pub hooks: Vec<Function>,
    /// The bound tables.
    pub tables: Vec<GuardedTable>,
    /// Where each guarded relation's answer comes from.
    pub explanations: Vec<Explanation>,
}

impl Compiler {
    /// Takes what agrees; an error for each place in the bindings that does not fit the database.
    pub fn new(resolved: &Resolved, shapes: Shapes, environment: i32) -> Result<Self, Error> {
        let found = crate::check::check(resolved, &shapes);
        if !found.is_empty() {
            return Err(Error::Bindings(found));
        }
        Ok(Self {
            model: resolved.model().clone(),
            resolved: resolved.clone(),
            shapes,
            environment,
        })
    }

    /// The schema and the bindings as a subject of a type sees them.
    pub(crate) fn rules(&self, subject_type: &str) -> Rules {
        Rules {
            model: self.model.clone(),
            resolved: self.resolved.clone(),
            subject_type: subject_type.to_owned(),
        }
    }

    /// Compiles every guarded relation. Every relation that cannot be compiled is reported.
    pub fn generate(&self) -> Result<Generated, Error> {
        let bindings = self.resolved.bindings();
        let rules = self.rules(&bindings.subject.resource_type);
        let who = Who::session();
        let mut sets = BTreeMap::new();
        let mut tables = Vec::new();
        let mut explanations = Vec::new();
        let mut refused: Vec<Refusal> = Vec::new();
        for table in &bindings.tables {
            let mut guarded = policy::GuardedTable::of(table);
            for (command, relation) in &table.policies {
                let builder = Builder::new(&rules, &table.resource_type, relation);
                let compiled = builder.row().and_then(|predicate| {
                    let mut condition = |finding| {
                        let functions = Sets::Functions(std::mem::take(&mut sets));
                        let writer = Writer::new(&builder, &self.shapes, self.environment, &who, functions);
                        let by_key = plan::by_key(table).map(|asked| asked.call());
                        let mut writer = writer.finding(finding).by_key(by_key);
                        let holds = writer.row(&predicate, "", table);
                        let condition = holds.map(|holds| {
                            let mut parts: Vec<String> =
                                writer.in_own_organization(table, "").into_iter().collect();
                            parts.extend(writer.is_own_id(table, ""));
                            let not_kept = plan::not_kept(&holds);
                            parts.push(holds);
                            parts.extend(not_kept);
                            join(&parts, "and")
                        });
                        if let Sets::Functions(functions) = writer.sets {
                            sets = functions;
                        }
                        condition
                    };
                    let (rows, new_rows) = policy::needs(*command);
                    let using = rows.then(|| condition(Finding::Listed)).transpose()?;
                    let check = match &using {
                        _ if !new_rows => None,
                        // Postgres holds the row that an update makes to the condition of `select`, too. What is said in the same words it asks once.
                        Some(using) if table.policies.get(&Command::Select) == Some(relation) => {
                            Some(using.clone())
                        }
                        _ => Some(condition(Finding::LookedUp)?),
                    };
                    Ok((predicate, using, check))
                });
                match compiled {
                    Ok((predicate, using, check)) => {
                        guarded.policies.push(TablePolicy {
                            command: *command,
                            using,
                            check,
                        });
                        let name = policy::guard_name(table, relation);
                        policy::explain(&mut explanations, name, *command, || {
                            if table.parents.is_empty() {
                                words::lines(&predicate)
                            } else {
                                words::permission(&self.resolved, table, relation)
                            }
                        });
                    }
                    Err(refusal) => refused.push(self.placed(refusal)),
                }
            }
            tables.push(guarded);
        }
        policy::add_join_tables(&mut tables, bindings);
        if !refused.is_empty() {
            refused.dedup();
            return Err(Error::Refused(refused));
        }
        let mut functions = vec![function::of_parts()];
        functions.extend(function::of_organizations(self.environment, bindings));
        let (membership, organization) = function::of_membership(self.environment, bindings, &sets, &tables);
        functions.extend(membership);
        functions.extend(function::of_session(&who, bindings, &sets, &tables));
        functions.extend(organization);
        functions.extend(plan::functions(bindings, &sets, &tables));
        functions.extend(set::of_sets(&sets, &bindings.subject));
        functions.push(reads::function(bindings));
        functions.extend(self.row_functions());
        Ok(Generated {
            functions,
            hooks: self.hooks(),
            tables,
            explanations,
        })
    }

    /// Adds where in the schema's text a refused relation stands.
    fn placed(&self, mut refusal: Refusal) -> Refusal {
        if let Some((resource_type, relation)) = refusal.place.split_once('#') {
            refusal.span = self
                .model
                .relation(resource_type, relation)
                .map(|def| def.name.span)
                .filter(|s| !s.is_empty());
        }
        refusal
    }
}
