//! Rowgate's engine.

use std::time::Instant;

use anyhow::{Result, anyhow};
use rowgate_engine::query::page::{Order, Page};
use rowgate_engine::query::text;
use rowgate_engine::{Ambient, Check, Program, Subject, View};
use rowgate_graph::{Graph, Snapshot, Tuple};
use rowgate_policy::{Context, Timestamp};

use super::Contender;
use crate::measure::{Round, Times, round};
use crate::question::{ListQuestion, Question};
use crate::world::{SCHEMA, World};

pub struct Rowgate {
    program: Program,
    graph: Snapshot,
    context: Context,
}

impl Rowgate {
    pub fn load(world: &World) -> Result<Self> {
        let (model, _) = rowgate_schema::compile(SCHEMA).map_err(|errors| anyhow!("{errors:?}"))?;
        let mut graph = Graph::default();
        let program = Program::compile(&model, &mut graph)?;
        let mut failed = None;
        world.facts(|fact| {
            let (resource, subject) = (
                fact.resource.0.id(fact.resource.1),
                fact.subject.0.id(fact.subject.1),
            );
            let tuple = Tuple {
                resource_type: fact.resource.0.name(),
                resource_id: &resource,
                relation: fact.relation,
                subject_type: fact.subject.0.name(),
                subject_id: &subject,
                subject_relation: fact.subject_relation,
                policy: None,
            };
            failed = graph.create_warrant(&tuple, 1).err().or(failed.take());
        });
        failed.map_or(Ok(()), Err)?;
        Ok(Self {
            program,
            graph: graph.snapshot(),
            context: Context::new(),
        })
    }

    fn ambient(&self) -> Ambient<'_> {
        Ambient {
            context: &self.context,
            claims: None,
            now: Timestamp(1),
        }
    }
}

impl Contender for Rowgate {
    fn name(&self) -> &'static str {
        "rowgate"
    }

    fn checks(&self, questions: &[Question]) -> Result<Round> {
        let requests: Vec<Check<'_>> = questions.iter().map(check_of).collect();
        Ok(round(&requests, |request| {
            // As a server does: the view is made for each request.
            let view = View::new(&self.program, &self.graph);
            view.check(&request, &self.ambient())
                .is_ok_and(|decision| decision.value.grants())
        }))
    }

    fn list(&self, question: &ListQuestion, times: usize) -> Result<(Times, Vec<String>)> {
        let text = format!("select document where user:{} is view", question.user);
        let query = text::parse(&text).map_err(|error| anyhow!("{error:?}"))?;
        let page = Page {
            limit: None,
            order: Order::Asc,
            after: None,
            before: None,
        };
        let (mut took, mut last) = (Times::default(), Vec::new());
        for _ in 0..times {
            let started = Instant::now();
            let view = View::new(&self.program, &self.graph);
            let rows = view.query(&query, &page, &self.ambient())?;
            let ids: Vec<String> = rows
                .rows
                .iter()
                .map(|row| self.graph.id_of(row.object).to_owned())
                .collect();
            took.push(started.elapsed());
            last = ids;
        }
        Ok((took, last))
    }
}

/// A question in Rowgate's words.
pub fn check_of(question: &Question) -> Check<'_> {
    Check {
        resource_type: "document",
        resource_id: &question.document,
        relation: question.relation,
        subject: Subject {
            resource_type: "user",
            id: &question.user,
            relation: None,
        },
    }
}
