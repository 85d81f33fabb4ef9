//! The crate `pemba`, with its store in memory.

use std::time::Instant;

use anyhow::Result;
use pemba::model::{Consistency, Relationship, WriteOp, WriteRequest};
use pemba::{CheckRequest, Engine, EngineConfig, LookupResourcesRequest, MemoryStore};

use super::Contender;
use crate::measure::{Round, Times, round};
use crate::question::{ListQuestion, Question};
use crate::world::{Kind, World};

const SCHEMA: &str = "
definition user {}
definition group {
    relation member: user | group#member
}
definition folder {
    relation parent: folder
    relation viewer: group#member
    permission view = viewer + parent->view
}
definition document {
    relation owner: user
    relation parent: folder
    relation viewer: group#member
    relation banned: user
    permission edit = owner
    permission view = (viewer + owner + parent->view) - banned
}
";

const BATCH: usize = 10_000;

pub struct Pemba {
    engine: Engine<MemoryStore>,
}

impl Pemba {
    pub fn load(world: &World) -> Result<Self> {
        let config = EngineConfig::default()
            .with_max_write_batch(BATCH)
            .with_max_lookup_results(1_000_000)
            .with_max_lookup_nodes(100_000_000);
        let engine = Engine::builder()
            .store(MemoryStore::new())
            .config(config)
            .build()?;
        engine.write_schema(SCHEMA)?;
        let mut lines = Vec::new();
        world.facts(|fact| {
            let relation = fact
                .subject_relation
                .map_or(String::new(), |relation| format!("#{relation}"));
            let name = |(kind, number): (Kind, u32)| format!("{}:{}", kind.name(), kind.id(number));
            lines.push(format!(
                "{}#{}@{}{relation}",
                name(fact.resource),
                fact.relation,
                name(fact.subject)
            ));
        });
        for batch in lines.chunks(BATCH) {
            let batch: Result<Vec<_>, _> = batch
                .iter()
                .map(|line| line.parse::<Relationship>().map(WriteOp::Touch))
                .collect();
            engine.write(WriteRequest::new(batch?))?;
        }
        Ok(Self { engine })
    }
}

impl Contender for Pemba {
    fn name(&self) -> &'static str {
        "pemba"
    }

    fn checks(&self, questions: &[Question]) -> Result<Round> {
        let request = |question: &Question| -> Result<CheckRequest> {
            let Relationship {
                resource,
                relation,
                subject,
            } = format!(
                "document:{}#{}@user:{}",
                question.document, question.relation, question.user
            )
            .parse()?;
            Ok(CheckRequest::new(resource, relation, subject))
        };
        let requests: Vec<CheckRequest> = questions.iter().map(request).collect::<Result<_>>()?;
        Ok(round(&requests, |request| {
            self.engine.check(request).is_ok_and(|response| response.allowed)
        }))
    }

    fn list(&self, question: &ListQuestion, times: usize) -> Result<(Times, Vec<String>)> {
        let subject = format!("user:{}", question.user).parse()?;
        let mut request = LookupResourcesRequest::new("document".parse()?, "view".parse()?, subject);
        request.consistency = Consistency::Latest;
        let (mut took, mut last) = (Times::default(), Vec::new());
        for _ in 0..times {
            let asked = request.clone();
            let started = Instant::now();
            let found = self.engine.lookup_resources(asked)?;
            let ids: Vec<String> = found
                .resource_ids
                .iter()
                .map(|id| id.as_str().to_owned())
                .collect();
            took.push(started.elapsed());
            last = ids;
        }
        Ok((took, last))
    }
}
