//! `POST /fga/v1/check`

use std::sync::Arc;
use std::time::Instant;

use axum::BoxError;
use axum::body::{Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::response::Response;
use rowgate_engine::{Ambient, Check, Decision, EngineError, Limits, Value, View};
use rowgate_environment::Published;
use rowgate_policy::{Context, Timestamp};
use rowgate_rows::{Error as RowsError, Question, Reader};
use tokio::runtime::Handle;

use crate::error::{ApiError, Result};
use crate::extract::{Asker, Caller, Fresh, Payload};
use crate::identity::User;
use crate::state::App;
use crate::wire;
use crate::wire::check::{CheckIn, CheckOp, CheckOut, DebugInfo, OneCheck, Operations, Warning, result};
use crate::wire::text::Object;
use crate::wire::tree::NodeOut;

/// Decisions that look at more warrants than this leave the threads that serve connections: about a millisecond.
const QUICK: u64 = 20_000;

pub(crate) async fn check(
    State(app): State<App>,
    caller: Caller,
    Asker(user): Asker,
    fresh: Fresh,
    payload: Payload,
) -> Result<Response> {
    asked(&app, &caller, user, fresh, payload).await
}

/// The same, of a request that did not come by the router.
pub(crate) async fn direct<B>(
    app: &App,
    caller: &Caller,
    user: Option<User>,
    request: Request<B>,
) -> Result<Response>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>>,
{
    let fresh = Fresh::of(request.headers(), caller)?;
    let payload = Payload::of(request, app).await?;
    asked(app, caller, user, fresh, payload).await
}

async fn asked(
    app: &App,
    caller: &Caller,
    user: Option<User>,
    fresh: Fresh,
    payload: Payload,
) -> Result<Response> {
    let published = fresh.read(app, caller).await?;
    if let Some(response) = answer(app, caller, user.as_ref(), &published, &payload, Some(QUICK)).await? {
        return Ok(response);
    }
    let (again, caller) = (app.clone(), caller.clone());
    let answering = move || {
        let answer = answer(&again, &caller, user.as_ref(), &published, &payload, None);
        Handle::current().block_on(answer)
    };
    let response = app.long(answering).await??;
    response.ok_or_else(|| ApiError::Internal("a check without an answer".into()))
}

/// The answer; `None` if it takes more than `work`.
async fn answer(
    app: &App,
    caller: &Caller,
    user: Option<&User>,
    published: &Arc<Published>,
    payload: &Payload,
    work: Option<u64>,
) -> Result<Option<Response>> {
    let (op, checks, debug) = payload.object::<CheckIn<'_>>()?.read()?;
    if debug && user.is_some() {
        return Err(ApiError::Forbidden(
            "a decision tree shows warrants of others; ask with an API key for it",
        ));
    }
    if debug && work.is_some() {
        return Ok(None);
    }
    let mut view = published.view();
    if let Some(work) = work {
        view.limits.work = work;
    }
    let rows = match &published.bound {
        Some(_) => app.tables()?.reader(caller, published).await?,
        None => None,
    };
    let asker = Questions {
        view,
        rows: rows.as_ref(),
        claims: user.map(|user| user.identity.claims().as_map()),
        now: Timestamp(rowgate_environment::now()),
        debug,
    };
    let token = caller.token(published.revision());
    let questions = checks
        .iter()
        .enumerate()
        .map(|(index, check)| check.0.question(index, user));
    let questions = questions.collect::<Result<Vec<_>>>()?;
    let asked = match asker.all(op, &checks, &questions).await {
        Ok(asked) => asked,
        Err(RowsError::Engine(EngineError::TooMuchWork { .. }))
            if work.is_some_and(|work| work < Limits::default().work) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    asked
        .iter()
        .for_each(|asked| app.metrics.decided(asked.decision.value));
    let answers = match op {
        CheckOp::Batch => asked.into_iter().map(|asked| asked.into_answer(&token)).collect(),
        _ => vec![combine(op, asked, &token)],
    };
    Ok(Some(match (op, answers.as_slice()) {
        (CheckOp::Batch, answers) => wire::json(&answers),
        (_, [answer]) => wire::json(answer),
        (_, answers) => wire::json(&answers),
    }))
}

/// One check with its outcome.
struct Asked {
    decision: Decision,
    debug: Option<DebugInfo>,
    /// Of the decision tree.
    nodes: usize,
}

struct Questions<'a, 'p> {
    view: View<'a>,
    /// Where resources are rows.
    rows: Option<&'a Reader<'p>>,
    /// Of the token that the request carries.
    claims: Option<&'a Context>,
    now: Timestamp,
    debug: bool,
}

impl Questions<'_, '_> {
    /// Asks in order, until the answer is clear. All together may take as much work, and have as many nodes in their trees, as one.
    async fn all(
        &self,
        op: CheckOp,
        checks: &[Object<OneCheck<'_>>],
        questions: &[Check<'_>],
    ) -> Result<Vec<Asked>, RowsError> {
        if let Some(rows) = self.rows {
            let all: Vec<Question<'_>> = questions.iter().map(about).collect();
            rows.prefetch(&all).await?;
        }
        let mut asked = Vec::with_capacity(questions.len());
        let mut limits = self.view.limits;
        for (check, question) in checks.iter().zip(questions) {
            let one = self.one(question, check.0.context(), limits).await;
            let one = one.map_err(|error| self.of_all(error))?;
            limits.work = limits.work.saturating_sub(one.decision.work);
            limits.nodes = limits.nodes.saturating_sub(one.nodes);
            let granted = one.decision.value.grants();
            asked.push(one);
            if (op == CheckOp::AnyOf && granted) || (op == CheckOp::AllOf && !granted) {
                break;
            }
        }
        Ok(asked)
    }

    /// Too much work is told by the limit for all of them, and not by what the others left of it.
    fn of_all(&self, error: RowsError) -> RowsError {
        match error {
            RowsError::Engine(EngineError::TooMuchWork { .. }) => {
                RowsError::Engine(EngineError::TooMuchWork {
                    limit: self.view.limits.work,
                })
            }
            error => error,
        }
    }

    async fn one(
        &self,
        question: &Check<'_>,
        context: Option<&Context>,
        limits: Limits,
    ) -> Result<Asked, RowsError> {
        match self.rows {
            Some(rows) => {
                rows.ask(&about(question), |view| {
                    self.ask(&View { limits, ..*view }, question, context)
                })
                .await
            }
            None => Ok(self.ask(&View { limits, ..self.view }, question, context)?),
        }
    }

    fn ask(
        &self,
        view: &View<'_>,
        question: &Check<'_>,
        context: Option<&Context>,
    ) -> Result<Asked, EngineError> {
        let none = Context::new();
        let ambient = Ambient {
            context: context.unwrap_or(&none),
            claims: self.claims,
            now: self.now,
        };
        let started = Instant::now();
        let decision = view.check(question, &ambient)?;
        if !self.debug {
            return Ok(Asked {
                decision,
                debug: None,
                nodes: 0,
            });
        }
        let nanos = || u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let processing_time = nanos();
        let explanation = view.explain(question, &ambient, &nanos)?;
        let nodes = explanation.nodes;
        let debug = NodeOut::tree(&explanation, context).map(|decision_tree| DebugInfo {
            processing_time,
            decision_tree,
            explanation: explanation.into(),
        });
        Ok(Asked {
            decision,
            debug,
            nodes,
        })
    }
}

/// What decides which rows a check needs.
fn about<'q>(check: &Check<'q>) -> Question<'q> {
    Question {
        resource: (check.resource_type, check.resource_id),
        relation: check.relation,
        subject: Some(check.subject),
    }
}

impl Asked {
    fn into_answer(self, token: &str) -> CheckOut<'_> {
        let Decision {
            value,
            is_implicit,
            missing,
            problems,
            work,
        } = self.decision;
        let warnings = match value {
            Value::Unknown => vec![Warning::missing_context(missing, &problems)],
            Value::True | Value::False => Vec::new(),
        };
        CheckOut {
            result: result(value.grants()),
            is_implicit,
            warrant_token: token,
            operations_consumed: Operations { total: work },
            debug_info: self.debug,
            warnings,
        }
    }
}

/// The one answer of several checks. The last one asked is the one that decided, where one did.
fn combine<'t>(op: CheckOp, mut asked: Vec<Asked>, token: &'t str) -> CheckOut<'t> {
    let granted = |asked: &Asked| asked.decision.value.grants();
    let total = asked.iter().map(|asked| asked.decision.work).sum();
    let authorized = match op {
        CheckOp::AllOf => asked.iter().all(granted),
        CheckOp::Single | CheckOp::AnyOf | CheckOp::Batch => asked.iter().any(granted),
    };
    let implicit = match op {
        CheckOp::AllOf => asked.iter().any(|asked| asked.decision.is_implicit),
        _ => asked.last().is_some_and(|asked| asked.decision.is_implicit),
    };
    let (mut keys, mut problems) = (Vec::new(), Vec::new());
    let mut unknown = false;
    for asked in asked
        .iter()
        .filter(|asked| asked.decision.value == Value::Unknown)
    {
        unknown = true;
        keys.extend(asked.decision.missing.iter().cloned());
        problems.extend(asked.decision.problems.iter().cloned());
    }
    for list in [&mut keys, &mut problems] {
        list.sort_unstable();
        list.dedup();
    }
    let decided = op == CheckOp::AllOf && !authorized || op == CheckOp::AnyOf && authorized;
    let shown = if decided {
        asked.pop()
    } else {
        asked.into_iter().next()
    };
    let warn = unknown && !authorized;
    CheckOut {
        result: result(authorized),
        is_implicit: authorized && implicit,
        warrant_token: token,
        operations_consumed: Operations { total },
        debug_info: shown.and_then(|asked| asked.debug),
        warnings: if warn {
            vec![Warning::missing_context(keys, &problems)]
        } else {
            Vec::new()
        },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rowgate_engine::Program;
    use rowgate_graph::{Graph, Tuple};

    use super::*;

    #[tokio::test]
    async fn the_checks_of_a_request_share_their_work() {
        let schema = "version 0.3\ntype user\ntype doc\n  relation viewer [user]\n";
        let (model, _) = rowgate_schema::compile(schema).unwrap();
        let mut graph = Graph::default();
        let program = Program::compile(&model, &mut graph).unwrap();
        let tuple = Tuple {
            resource_type: "doc",
            resource_id: "1",
            relation: "viewer",
            subject_type: "user",
            subject_id: "ann",
            subject_relation: None,
            policy: Some("any(items, # == -1)"),
        };
        graph.create_warrant(&tuple, 0).unwrap();
        let items: Vec<u32> = (0..1_000).collect();
        let subject = serde_json::json!({"resource_type": "user", "resource_id": "ann"});
        let check = serde_json::json!({
            "resource_type": "doc", "resource_id": "1", "relation": "viewer",
            "subject": subject, "context": {"items": items},
        });
        let body = serde_json::json!({"op": "batch", "checks": [check, check, check, check]}).to_string();
        let (op, checks, _) = serde_json::from_str::<CheckIn<'_>>(&body)
            .unwrap()
            .read()
            .unwrap();
        let questions = checks.iter().map(|check| check.0.question(0, None).unwrap());
        let questions: Vec<Check<'_>> = questions.collect();
        let asker = |work| Questions {
            view: View {
                limits: Limits {
                    work,
                    ..Limits::default()
                },
                ..View::new(&program, graph.state())
            },
            rows: None,
            claims: None,
            now: Timestamp(0),
            debug: false,
        };
        let all = asker(QUICK).all(op, &checks, &questions).await.unwrap();
        let total: u64 = all.iter().map(|asked| asked.decision.work).sum();
        assert!(total > 4 * 1_000 / 16);
        assert!(asker(total).all(op, &checks, &questions).await.is_ok());
        let limit = total - 1;
        let error = asker(limit).all(op, &checks, &questions).await.err().unwrap();
        assert!(
            matches!(error, RowsError::Engine(EngineError::TooMuchWork { limit: told }) if told == limit),
            "{error}"
        );
    }
}
