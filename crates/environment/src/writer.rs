//! The one thread that writes: it takes what is queued, checks and applies each write in order, makes all of them durable with one
//! flush, and only then publishes and answers.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{SystemTime, UNIX_EPOCH};

use rowgate_store::{Commit, Revision, Store};

use crate::environment::Inner;
use crate::write::{Write, Written};
use crate::{Error, Result, Working};

/// Most writes that share a flush.
const MAX_GROUP: usize = 512;

pub(crate) type Done = Box<dyn FnOnce(Result<Written>) + Send>;

/// A queued write. One that is dropped, because the writer has ended, is answered all the same.
pub(crate) struct Job {
    environment: Arc<Inner>,
    queued: Option<(Write, Done)>,
}

impl Job {
    pub(crate) fn new(environment: Arc<Inner>, write: Write, done: Done) -> Self {
        Self {
            environment,
            queued: Some((write, done)),
        }
    }

    fn take(mut self) -> (Arc<Inner>, Write, Done) {
        let environment = Arc::clone(&self.environment);
        match self.queued.take() {
            Some((write, done)) => (environment, write, done),
            // Only this function empties a job, and it takes the job away.
            None => (environment, Write::Warrants(Vec::new()), Box::new(|_| {})),
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Some((_, done)) = self.queued.take() {
            done(Err(Error::Stopping));
        }
    }
}

pub(crate) enum Message {
    Write(Box<Job>),
    /// Finish what is queued, then end.
    Stop,
}

pub(crate) type Queue = Sender<Message>;

/// Microseconds since the Unix epoch.
pub fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_micros() as i64)
}

pub(crate) fn run(store: &dyn Store, queue: &Receiver<Message>, flushed: &dyn Fn(&Arc<Inner>)) {
    let mut stopping = false;
    while !stopping {
        let Ok(first) = queue.recv() else { return };
        let mut group = Vec::new();
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Write(job) => group.push(*job),
                Message::Stop => stopping = true,
            }
            next = if stopping || group.len() < MAX_GROUP {
                queue.try_recv().ok()
            } else {
                None
            };
        }
        write(store, group, flushed);
    }
}

/// What a group brings to one environment.
struct Part {
    environment: Arc<Inner>,
    answers: Vec<Answer>,
    /// A change could be applied in part only: nothing of the group is kept here.
    broken: Option<Error>,
}

struct Answer {
    done: Done,
    outcome: Result<Written>,
    /// It was found against a state that was not durable yet. Should that be taken back, the outcome means nothing.
    ahead: bool,
}

fn write(store: &dyn Store, group: Vec<Job>, flushed: &dyn Fn(&Arc<Inner>)) {
    let mut commits: Vec<Commit> = Vec::new();
    let mut parts: Vec<Part> = Vec::new();
    for job in group {
        let (environment, write, done) = job.take();
        let known = parts
            .iter()
            .position(|part| Arc::ptr_eq(&part.environment, &environment));
        let at = known.unwrap_or_else(|| {
            parts.push(Part {
                environment,
                answers: Vec::new(),
                broken: None,
            });
            parts.len() - 1
        });
        parts[at].take(write, done, &mut commits);
    }
    commits.retain(|commit| {
        let of = parts
            .iter()
            .find(|part| part.environment.record.id == commit.environment);
        of.is_some_and(|part| part.broken.is_none())
    });
    let stored = append(store, &commits);
    for part in parts {
        let own = |commit: &&Commit| commit.environment == part.environment.record.id;
        let has_commits = commits.iter().any(|commit| own(&commit));
        let kept = match (&part.broken, &stored) {
            (Some(error), _) => Err(copy(error)),
            (None, Err(error)) if error.code() == "environment_unknown" => {
                // Another environment may be the one that is gone; each for itself.
                let commits: Vec<Commit> = commits.iter().filter(own).cloned().collect();
                append(store, &commits)
            }
            (None, Err(error)) if has_commits => Err(copy(error)),
            (None, _) => Ok(()),
        };
        part.finish(kept, flushed);
    }
}

fn append(store: &dyn Store, commits: &[Commit]) -> Result<()> {
    if commits.is_empty() {
        return Ok(());
    }
    store.append(commits).map_err(Error::from)
}

impl Part {
    /// Checks a write and applies it to the state that those before it left.
    fn take(&mut self, write: Write, done: Done, commits: &mut Vec<Commit>) {
        let mut working = self.environment.working();
        let ahead = working.revision != self.environment.published().revision();
        let at = now();
        let outcome = match &self.broken {
            Some(error) => Err(copy(error)),
            None => working.prepare(write, at).and_then(|mut prepared| {
                if !prepared.changes.is_empty() {
                    if let Err(error) = working.apply(&mut prepared) {
                        self.broken = Some(copy(&error));
                        return Err(error);
                    }
                    commits.push(Commit {
                        environment: self.environment.record.id,
                        revision: Revision::from_u64(working.revision),
                        at,
                        changes: prepared.changes,
                    });
                }
                prepared.written.revision = working.revision;
                Ok(prepared.written)
            }),
        };
        self.answers.push(Answer { done, outcome, ahead });
    }

    /// Publishes what is durable, or goes back to what was, and answers.
    fn finish(self, kept: Result<()>, flushed: &dyn Fn(&Arc<Inner>)) {
        let mut working = self.environment.working();
        match &kept {
            Ok(()) => self.environment.publish(&mut working),
            Err(_) => *working = Working::from_published(&self.environment.published()),
        }
        drop(working);
        if kept.is_ok() {
            flushed(&self.environment);
        }
        for Answer { done, outcome, ahead } in self.answers {
            done(match (&kept, outcome) {
                (Err(error), Ok(_)) => Err(copy(error)),
                (Err(error), Err(_)) if ahead => Err(copy(error)),
                (_, outcome) => outcome,
            });
        }
    }
}

/// The same failure for every write of a group.
fn copy(error: &Error) -> Error {
    match error {
        Error::Store(error) => Error::Store(Arc::clone(error)),
        Error::Graph(error) => Error::Graph(Arc::clone(error)),
        other => Error::Refused {
            code: "internal_error",
            message: other.to_string(),
        },
    }
}
