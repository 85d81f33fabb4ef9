//! The crate `simple-zanzibar`.

use std::num::NonZeroU32;
use std::time::Instant;

use anyhow::Result;
use simple_zanzibar::ZanzibarEngine;
use simple_zanzibar::eval::EvaluationLimits;
use simple_zanzibar::model::{CheckRequest, LookupResourcesRequest, Object, Relation, User};
use simple_zanzibar::relationship::RelationshipMutation;
use simple_zanzibar::revision::Consistency;

use super::Contender;
use crate::measure::{Round, Times, round};
use crate::question::{ListQuestion, Question};
use crate::world::{Kind, World};

const DSL: &str = r#"
namespace user { relation self {} }
namespace group { relation member {} }
namespace folder {
    relation parent {}
    relation viewer {}
    relation view {
        rewrite union(
            computed_userset(relation: "viewer"),
            tuple_to_userset(tupleset: "parent", computed_userset: "view")
        )
    }
}
namespace document {
    relation owner {}
    relation parent {}
    relation viewer {}
    relation banned {}
    relation edit { rewrite computed_userset(relation: "owner") }
    relation view {
        rewrite exclusion(
            union(
                computed_userset(relation: "viewer"),
                computed_userset(relation: "owner"),
                tuple_to_userset(tupleset: "parent", computed_userset: "view")
            ),
            computed_userset(relation: "banned")
        )
    }
}
"#;

/// The most that one of its writes takes.
const BATCH: usize = 10_000;

pub struct SimpleZanzibar {
    engine: ZanzibarEngine,
}

impl SimpleZanzibar {
    pub fn load(world: &World) -> Result<Self> {
        let limits = EvaluationLimits {
            max_depth: NonZeroU32::MIN.saturating_add(49),
            max_fanout_per_step: NonZeroU32::MAX,
            max_lookup_results: NonZeroU32::MAX,
        };
        let engine = ZanzibarEngine::builder().evaluation_limits(limits).build();
        engine.add_dsl(DSL)?;
        let mut lines = Vec::new();
        world.facts(|fact| {
            // Its `tuple_to_userset` follows only subjects that have a relation.
            let relation = if fact.relation == "parent" {
                Some("view")
            } else {
                fact.subject_relation
            };
            let relation = relation.map_or(String::new(), |relation| format!("#{relation}"));
            let name = |(kind, number): (Kind, u32)| format!("{}:{}", kind.name(), kind.id(number));
            lines.push(format!(
                "{}#{}@{}{relation}",
                name(fact.resource),
                fact.relation,
                name(fact.subject)
            ));
        });
        for batch in lines.chunks(BATCH) {
            let batch: Result<Vec<_>, _> = batch.iter().map(RelationshipMutation::touch).collect();
            engine.write_relationships(batch?)?;
        }
        Ok(Self { engine })
    }
}

impl Contender for SimpleZanzibar {
    fn name(&self) -> &'static str {
        "simple-zanzibar"
    }

    fn checks(&self, questions: &[Question]) -> Result<Round> {
        let request = |question: &Question| {
            let object = Object::new("document", question.document.as_str());
            let user = User::user_id(question.user.as_str());
            CheckRequest::new(
                object,
                Relation::new(question.relation),
                user,
                Consistency::Latest,
            )
        };
        let requests: Vec<CheckRequest> = questions.iter().map(request).collect();
        Ok(round(&requests, |request| {
            self.engine.check(request).is_ok_and(|response| response.allowed)
        }))
    }

    fn list(&self, question: &ListQuestion, times: usize) -> Result<(Times, Vec<String>)> {
        let user = User::user_id(question.user.as_str());
        let request = LookupResourcesRequest::new(user, Relation::new("view"), "document");
        let (mut took, mut last) = (Times::default(), Vec::new());
        for _ in 0..times {
            let started = Instant::now();
            let found = self.engine.lookup_resources(&request)?;
            let ids: Vec<String> = found.resources.into_iter().map(|object| object.id).collect();
            took.push(started.elapsed());
            last = ids;
        }
        Ok((took, last))
    }
}
