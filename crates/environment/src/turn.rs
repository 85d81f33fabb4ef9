//! Writing to a store that others write to as well. Each group of writes takes a turn: it catches up with what others wrote, is checked
//! against exactly that, and is durable before anybody else writes.

use std::sync::Arc;

use rowgate_store::{Commit, ErrorKind, Revision, Shared, StoreError};

use crate::environment::Inner;
use crate::form::Form;
use crate::prepare::prepare;
use crate::queue::Queue;
use crate::working::Working;
use crate::write::Written;
use crate::writer::{Job, Reply, now};
use crate::{Error, Published, Result, follow};

/// Writes until the queue is stopped.
pub(crate) fn run(shared: &dyn Shared, queue: &Queue) {
    loop {
        let mut parts: Vec<Part> = Vec::new();
        let mut taken = 0;
        // Kept to the end of the turn: should a write panic, nobody is left waiting.
        let preparing = queue.prepare();
        while let Some(job) = preparing.next(taken) {
            taken += 1;
            add(&mut parts, job);
        }
        match parts.len() {
            0 => return,
            1 => parts.into_iter().for_each(|part| part.write(shared)),
            // One that others keep waiting does not hold up the rest.
            _ => std::thread::scope(|scope| {
                for part in parts {
                    scope.spawn(move || part.write(shared));
                }
            }),
        }
        drop(preparing);
    }
}

/// What a group brings to one environment.
struct Part {
    environment: Arc<Inner>,
    forms: Vec<Form>,
    replies: Vec<Reply>,
}

fn add(parts: &mut Vec<Part>, job: Job) {
    let Job {
        environment,
        form,
        reply,
    } = job;
    let known = parts
        .iter()
        .position(|part| Arc::ptr_eq(&part.environment, &environment));
    let at = known.unwrap_or_else(|| {
        parts.push(Part {
            environment,
            forms: Vec::new(),
            replies: Vec::new(),
        });
        parts.len() - 1
    });
    parts[at].forms.push(form);
    parts[at].replies.push(reply);
}

impl Part {
    fn write(self, shared: &dyn Shared) {
        let outcomes = self.take_turn(shared);
        match outcomes {
            Ok(outcomes) => {
                for (reply, outcome) in self.replies.into_iter().zip(outcomes) {
                    reply.send(outcome);
                }
            }
            Err(error) => {
                for reply in self.replies {
                    reply.send(Err(error.again()));
                }
            }
        }
    }

    /// What became of each write, which is durable and can be read.
    fn take_turn(&self, shared: &dyn Shared) -> Result<Vec<Result<Written>>> {
        let mut working = self.environment.working();
        let written = self.try_turn(shared, &mut working);
        match written {
            Err(Error::Store(error)) if error.kind() == ErrorKind::RevisionTruncated => {
                // It slept for longer than the log is kept.
                follow::reload(shared, &self.environment, &mut working)?;
                self.try_turn(shared, &mut working)
            }
            written => written,
        }
    }

    fn try_turn(&self, shared: &dyn Shared, working: &mut Working) -> Result<Vec<Result<Written>>> {
        let published = self.environment.published();
        let known = Revision::from_u64(published.revision());
        let mut outcomes = Vec::new();
        let mut failure = None;
        let turn = shared.transact(self.environment.record.id, known, &mut |before| {
            let prepared = self.prepare(working, &published, before, &mut outcomes);
            prepared.map_err(|error| {
                let ends_the_turn = StoreError::new(ErrorKind::Io, error.to_string());
                failure = Some(error);
                ends_the_turn
            })
        });
        if let Err(error) = turn {
            working.go_to(&published);
            return Err(failure.unwrap_or_else(|| error.into()));
        }
        follow::publish(&self.environment, working, &published);
        Ok(outcomes)
    }

    /// Checks the writes in order against what is there now. May be run again.
    fn prepare(
        &self,
        working: &mut Working,
        published: &Published,
        before: &[Commit],
        outcomes: &mut Vec<Result<Written>>,
    ) -> Result<Vec<Commit>> {
        if working.revision != published.revision() {
            working.go_to(published);
        }
        outcomes.clear();
        working.follow(before)?;
        let mut commits = Vec::new();
        for form in &self.forms {
            let at = now();
            let mut prepared = match prepare(working, form.clone(), at) {
                Ok(prepared) => prepared,
                Err(error) => {
                    outcomes.push(Err(error));
                    continue;
                }
            };
            if !prepared.changes.list.is_empty() {
                working.apply(&mut prepared)?;
                commits.push(Commit {
                    environment: self.environment.record.id,
                    revision: Revision::from_u64(working.revision),
                    at,
                    changes: prepared.changes.list,
                });
            }
            prepared.written.revision = working.revision;
            outcomes.push(Ok(prepared.written));
        }
        Ok(commits)
    }
}
