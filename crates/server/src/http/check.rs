//! `POST /fga/v1/check`

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
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
    let published = fresh.read(&app, &caller).await?;
    if let Some(response) = answer(&app, &caller, user.as_ref(), &published, &payload, Some(QUICK)).await? {
        return Ok(response);
    }
    let again = app.clone();
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
        view.limits.work = work / checks.len().max(1) as u64;
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
}

struct Questions<'a> {
    view: View<'a>,
    /// Where resources are rows.
    rows: Option<&'a Reader<'a>>,
    /// Of the token that the request carries.
    claims: Option<&'a Context>,
    now: Timestamp,
    debug: bool,
}

impl Questions<'_> {
    /// Asks in order, until the answer is clear.
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
        for (check, question) in checks.iter().zip(questions) {
            let one = self.one(question, check.0.context()).await?;
            let granted = one.decision.value.grants();
            asked.push(one);
            if (op == CheckOp::AnyOf && granted) || (op == CheckOp::AllOf && !granted) {
                break;
            }
        }
        Ok(asked)
    }

    async fn one(&self, question: &Check<'_>, context: Option<&Context>) -> Result<Asked, RowsError> {
        match self.rows {
            Some(rows) => {
                let limits = self.view.limits;
                rows.ask(&about(question), |view| {
                    self.ask(&View { limits, ..*view }, question, context)
                })
                .await
            }
            None => Ok(self.ask(&self.view, question, context)?),
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
            });
        }
        let nanos = || u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let processing_time = nanos();
        let explanation = view.explain(question, &ambient, &nanos)?;
        let debug = NodeOut::tree(&explanation, context).map(|decision_tree| DebugInfo {
            processing_time,
            decision_tree,
            explanation: explanation.into(),
        });
        Ok(Asked { decision, debug })
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
