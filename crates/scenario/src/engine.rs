//! The surface in this process: an environment of its own in a directory that goes away.

use std::sync::Arc;

use rowgate_engine::query::page::{Page, RowKey};
use rowgate_engine::query::text::{Query as Parsed, Select};
use rowgate_engine::query::{Row as EngineRow, page, text};
use rowgate_engine::{Ambient, Check as EngineCheck, EngineError, Subject as EngineSubject};
use rowgate_environment::{Environment, Error, NewResource, Op, Published, Registry, Write, now};
use rowgate_policy::Timestamp;

use crate::notation::{Object, Subject, Tuple, Warrant};
use crate::scenario::{Check, JsonObject, Order, Query, Resource};
use crate::surface::{Answer, Refusal, Row, Rows, Surface, SurfaceError};
use crate::tree::Node;

/// The engine behind a fresh environment.
pub struct EngineSurface {
    environment: Environment,
    /// Dropped before the directory it writes to.
    _registry: Registry,
    _directory: tempfile::TempDir,
}

impl EngineSurface {
    /// A fresh environment, with the schema that every new environment has.
    ///
    /// # Errors
    /// When there is no place for temporary files.
    pub fn new() -> Result<Self, SurfaceError> {
        let broken = |error: &dyn std::fmt::Display| SurfaceError::Broken(format!("no engine: {error}"));
        let directory = tempfile::tempdir().map_err(|error| broken(&error))?;
        let registry = Registry::open(directory.path()).map_err(|error| broken(&error))?;
        let name = rowgate_environment::registry::DEFAULT;
        let environment = registry
            .environment(name)
            .ok_or_else(|| broken(&"the default environment is not there"))?;
        Ok(Self {
            environment,
            _registry: registry,
            _directory: directory,
        })
    }

    fn write(&self, write: Write) -> Result<(), SurfaceError> {
        self.environment.write(write).map(|_| ()).map_err(refusal)
    }

    fn warrants(&self, op: Op, warrants: &[Warrant]) -> Result<(), SurfaceError> {
        self.write(Write::Warrants(
            warrants.iter().map(|warrant| (op, words(warrant))).collect(),
        ))
    }
}

fn words(warrant: &Warrant) -> rowgate_environment::Warrant {
    let Warrant {
        tuple: Tuple {
            resource,
            relation,
            subject,
        },
        policy,
    } = warrant.clone();
    rowgate_environment::Warrant {
        resource_type: resource.resource_type,
        resource_id: resource.id,
        relation,
        subject_type: subject.object.resource_type,
        subject_id: subject.object.id,
        subject_relation: subject.relation,
        policy,
    }
}

fn refusal(error: Error) -> SurfaceError {
    let parameter = match &error {
        Error::Missing { parameter } | Error::Invalid { parameter, .. } => Some(parameter.clone()),
        _ => None,
    };
    let errors = match &error {
        Error::Schema { errors } => errors
            .iter()
            .map(|error| (Some(error.code.to_owned()), error.to_string()))
            .collect(),
        _ => Vec::new(),
    };
    match error {
        Error::Stopping | Error::Store(_) => SurfaceError::Broken(error.to_string()),
        error => {
            let (code, message) = (error.code().to_owned(), error.to_string());
            SurfaceError::Refused(Refusal {
                code,
                parameter,
                message,
                errors,
            })
        }
    }
}

fn engine_refusal(error: EngineError) -> SurfaceError {
    refusal(Error::Engine(error))
}

/// What the user's token says, the user included.
fn claims(check: &Check) -> Option<JsonObject> {
    let mut claims = check.claims.clone()?;
    claims.insert("sub".into(), check.tuple.subject.object.id.clone().into());
    Some(claims)
}

fn engine_check(tuple: &Tuple) -> EngineCheck<'_> {
    EngineCheck {
        resource_type: &tuple.resource.resource_type,
        resource_id: &tuple.resource.id,
        relation: &tuple.relation,
        subject: EngineSubject {
            resource_type: &tuple.subject.object.resource_type,
            id: &tuple.subject.object.id,
            relation: tuple.subject.relation.as_deref(),
        },
    }
}

impl Surface for EngineSurface {
    fn apply_schema(&mut self, text: &str) -> Result<(), SurfaceError> {
        // Text errors and errors of meaning come together from here; the environment would see only the latter.
        let (model, _) = rowgate_schema::compile(text).map_err(|found| {
            refusal(Error::Schema {
                errors: found
                    .into_iter()
                    .filter(rowgate_schema::Diagnostic::is_error)
                    .collect(),
            })
        })?;
        let schema = model.schema().clone();
        self.write(Write::Schema(Arc::new(move |_| Ok(schema.clone()))))
    }

    fn create_resources(&mut self, resources: &[Resource]) -> Result<(), SurfaceError> {
        let new = |resource: &Resource| NewResource {
            resource_type: resource.object.resource_type.clone(),
            resource_id: Some(resource.object.id.clone()),
            meta: resource.meta.clone(),
        };
        self.write(Write::CreateResources(resources.iter().map(new).collect()))
    }

    fn delete_resources(&mut self, resources: &[Object]) -> Result<(), SurfaceError> {
        let pairs = resources
            .iter()
            .map(|object| (object.resource_type.clone(), object.id.clone()));
        self.write(Write::DeleteResources(pairs.collect()))
    }

    fn create_warrants(&mut self, warrants: &[Warrant]) -> Result<(), SurfaceError> {
        self.warrants(Op::Create, warrants)
    }

    fn delete_warrants(&mut self, warrants: &[Warrant]) -> Result<(), SurfaceError> {
        self.warrants(Op::Delete, warrants)
    }

    fn check(&mut self, check: &Check) -> Result<Answer, SurfaceError> {
        let published = self.environment.read();
        let claims = claims(check);
        let ambient = Ambient {
            context: &check.context,
            claims: claims.as_ref(),
            now: Timestamp(now()),
        };
        let decision = published
            .view()
            .check(&engine_check(&check.tuple), &ambient)
            .map_err(engine_refusal)?;
        Ok(Answer {
            value: decision.value.into(),
            implicit: decision.is_implicit,
            missing: decision.missing,
        })
    }

    fn explain(&mut self, check: &Check) -> Result<Option<Node>, SurfaceError> {
        let published = self.environment.read();
        let claims = claims(check);
        let ambient = Ambient {
            context: &check.context,
            claims: claims.as_ref(),
            now: Timestamp(now()),
        };
        let tree = published
            .view()
            .explain(&engine_check(&check.tuple), &ambient, &|| 0)
            .map_err(engine_refusal)?;
        Ok(Some(Node::from(&tree.root)))
    }

    fn query(&mut self, query: &Query) -> Result<Rows, SurfaceError> {
        let parsed = text::parse(&query.text).map_err(|error| {
            refusal(Error::Invalid {
                parameter: "q".into(),
                message: error.to_string(),
            })
        })?;
        let published = self.environment.read();
        let ambient = Ambient {
            context: &query.context,
            claims: None,
            now: Timestamp(now()),
        };
        let order = match query.order {
            Some(Order::Asc) => page::Order::Asc,
            Some(Order::Desc) | None => page::Order::Desc,
        };
        let mut out = Rows::default();
        let mut after: Option<RowKey> = None;
        loop {
            let page = Page {
                limit: query.page,
                order,
                after,
                before: None,
            };
            let found = published
                .view()
                .query(&parsed, &page, &ambient)
                .map_err(engine_refusal)?;
            out.missing.extend(found.missing);
            out.rows
                .extend(found.rows.iter().map(|row| in_words(&published, row, &parsed)));
            let last = out.rows.last().filter(|_| found.more && !found.rows.is_empty());
            let Some(last) = last else { break };
            after = Some(RowKey {
                resource_type: last.object.resource_type.clone(),
                id: last.object.id.clone(),
                relation: last.relation.clone(),
            });
        }
        out.missing.sort();
        out.missing.dedup();
        Ok(out)
    }
}

/// A row as a client sees it: one without a warrant carries its own tuple.
fn in_words(published: &Published, row: &EngineRow, query: &Parsed) -> Row {
    let graph = &published.graph;
    let object = |number| Object {
        resource_type: graph.name(graph.type_of(number)).to_owned(),
        id: graph.id_of(number).to_owned(),
    };
    let relation = graph.name(row.relation).to_owned();
    let stored = row
        .warrant
        .and_then(|warrant| graph.warrant(warrant))
        .map(|warrant| Warrant {
            tuple: Tuple {
                resource: object(warrant.resource),
                relation: graph.name(warrant.relation).to_owned(),
                subject: Subject {
                    object: object(warrant.subject),
                    relation: Some(graph.name(warrant.subject_relation).to_owned())
                        .filter(|name| !name.is_empty()),
                },
            },
            policy: graph
                .policy(warrant.policy)
                .map(|policy| policy.text().to_owned()),
        });
    let own = || {
        let (of, asked) = (object(row.object), |reference: &text::Reference| Object {
            resource_type: reference.resource_type.clone(),
            id: reference.id.clone(),
        });
        let (resource, subject) = match &query.select {
            Select::Resources { subject, .. } => (of, asked(subject)),
            Select::Subjects { resource, .. } => (asked(resource), of),
        };
        let subject = Subject {
            object: subject,
            relation: None,
        };
        Warrant {
            tuple: Tuple {
                resource,
                relation: relation.clone(),
                subject,
            },
            policy: None,
        }
    };
    let warrant = Some(stored.unwrap_or_else(own));
    Row {
        object: object(row.object),
        relation,
        implicit: row.is_implicit,
        warrant,
    }
}
