//! A group of writes that share a flush.

use std::sync::Arc;

use rowgate_store::{Commit, Revision, Store};

use crate::environment::Inner;
use crate::prepare::prepare;
use crate::write::Written;
use crate::writer::{Job, Reply, now};
use crate::{Error, Published, Result};

#[derive(Default)]
pub(crate) struct Group {
    writes: usize,
    commits: Vec<Commit>,
    parts: Vec<Part>,
}

/// What a group brings to one environment.
struct Part {
    environment: Arc<Inner>,
    /// How often the environment's state had gone back when this part began. If it has again, the part has no ground left.
    setbacks: u64,
    answers: Vec<Answer>,
    commits: usize,
    /// Nothing of the part is kept.
    failed: Option<Error>,
    /// What can be read once the part is durable; absent when it changes nothing.
    next: Option<Arc<Published>>,
}

struct Answer {
    reply: Reply,
    outcome: Result<Written>,
    /// It was found against a state that was not durable yet. Should that be taken back, the outcome means nothing.
    ahead: bool,
}

impl Group {
    /// The number of writes.
    pub(crate) fn len(&self) -> usize {
        self.writes
    }

    /// Checks a write and applies it to the state that those before it left.
    pub(crate) fn prepare(&mut self, job: Job) {
        self.writes += 1;
        let known = self
            .parts
            .iter()
            .position(|part| Arc::ptr_eq(&part.environment, &job.environment));
        let at = known.unwrap_or_else(|| {
            self.parts.push(Part::new(Arc::clone(&job.environment)));
            self.parts.len() - 1
        });
        self.parts[at].prepare(job, &mut self.commits);
    }

    /// Settles what the group amounts to. No other group may be prepared or appended meanwhile.
    pub(crate) fn close(&mut self) {
        self.parts.iter_mut().for_each(Part::close);
        let failed = |commit: &Commit| {
            let of = self.parts.iter().find(|part| part.owns(commit));
            of.is_none_or(|part| part.failed.is_some())
        };
        self.commits.retain(|commit| !failed(commit));
    }

    /// Makes the group durable: of each part, whether it is.
    pub(crate) fn append(&mut self, store: &dyn Store) -> Vec<Result<()>> {
        let all = append(store, &self.commits);
        let of = |part: &Part| match (&part.failed, &all) {
            (Some(error), _) => Err(error.again()),
            (None, Err(error)) if error.code() == "environment_unknown" => {
                // Another environment may be the one that is gone; each for itself.
                let own = self.commits.iter().filter(|commit| part.owns(commit));
                append(store, &own.cloned().collect::<Vec<_>>())
            }
            (None, Err(error)) if part.commits > 0 => Err(error.again()),
            (None, _) => Ok(()),
        };
        self.parts.iter().map(of).collect()
    }

    /// Lets what is durable be read, goes back where it is not, and answers.
    pub(crate) fn publish(self, stored: Vec<Result<()>>) -> Finished {
        let mut finished = Finished {
            _commits: self.commits,
            parts: Vec::new(),
        };
        for (part, stored) in self.parts.into_iter().zip(stored) {
            let environment = Arc::clone(&part.environment);
            finished.parts.push((environment, part.publish(stored)));
        }
        finished
    }
}

/// What is left of a group: the environments that are durable as they are, what could be read of them before, and the texts of the commits.
pub(crate) struct Finished {
    _commits: Vec<Commit>,
    parts: Vec<(Arc<Inner>, Option<Arc<Published>>)>,
}

impl Finished {
    /// The environments of which there is a new revision.
    pub(crate) fn environments(&self) -> impl Iterator<Item = &Arc<Inner>> {
        let changed = self.parts.iter().filter(|(_, before)| before.is_some());
        changed.map(|(environment, _)| environment)
    }
}

fn append(store: &dyn Store, commits: &[Commit]) -> Result<()> {
    if commits.is_empty() {
        return Ok(());
    }
    store.append(commits).map_err(Error::from)
}

impl Part {
    fn new(environment: Arc<Inner>) -> Self {
        let setbacks = environment.working().setbacks();
        Self {
            environment,
            setbacks,
            answers: Vec::new(),
            commits: 0,
            failed: None,
            next: None,
        }
    }

    fn owns(&self, commit: &Commit) -> bool {
        commit.environment == self.environment.record.id
    }

    fn prepare(&mut self, job: Job, commits: &mut Vec<Commit>) {
        let mut working = self.environment.working();
        if working.setbacks() != self.setbacks {
            self.failed.get_or_insert_with(|| working.last_setback());
        }
        if let Some(error) = &self.failed {
            let outcome = Err(error.again());
            self.answers.push(Answer {
                reply: job.reply,
                outcome,
                ahead: true,
            });
            return;
        }
        let ahead = working.revision != self.environment.published().revision();
        let at = now();
        let outcome = prepare(&working, job.form, at).and_then(|mut prepared| {
            if !prepared.changes.list.is_empty() {
                working
                    .apply(&mut prepared)
                    .inspect_err(|error| self.failed = Some(error.again()))?;
                self.commits += 1;
                commits.push(Commit {
                    environment: self.environment.record.id,
                    revision: Revision::from_u64(working.revision),
                    at,
                    changes: prepared.changes.list,
                });
            }
            prepared.written.revision = working.revision;
            Ok(prepared.written)
        });
        self.answers.push(Answer {
            reply: job.reply,
            outcome,
            ahead,
        });
    }

    fn close(&mut self) {
        let mut working = self.environment.working();
        if working.setbacks() != self.setbacks {
            self.failed.get_or_insert_with(|| working.last_setback());
        } else if let Some(error) = &self.failed {
            // A write was carried out in part.
            working.go_back(&self.environment.published(), error.again());
        } else if self.commits > 0 {
            // A graph that cannot be compacted goes on as it is.
            let _ = working.compact_if_sparse();
            self.next = Some(Arc::new(working.publish()));
        }
    }

    /// Returns what could be read before.
    fn publish(self, stored: Result<()>) -> Option<Arc<Published>> {
        let before = match (&stored, self.next) {
            (Ok(()), next) => next.map(|next| self.environment.publish(next)),
            (Err(error), Some(_)) => {
                let published = self.environment.published();
                self.environment.working().go_back(&published, error.again());
                None
            }
            // It went back when the group was closed, or before.
            (Err(_), None) => None,
        };
        for Answer {
            reply,
            outcome,
            ahead,
        } in self.answers
        {
            reply.send(match (&stored, outcome) {
                (Err(error), Ok(_)) => Err(error.again()),
                (Err(error), Err(_)) if ahead => Err(error.again()),
                (_, outcome) => outcome,
            });
        }
        before
    }
}
