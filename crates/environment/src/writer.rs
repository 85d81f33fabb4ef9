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

pub(crate) struct Job {
    pub(crate) environment: Arc<Inner>,
    pub(crate) write: Write,
    pub(crate) done: Done,
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

fn write(store: &dyn Store, group: Vec<Job>, flushed: &dyn Fn(&Arc<Inner>)) {
    let mut commits: Vec<Commit> = Vec::new();
    let mut touched: Vec<Arc<Inner>> = Vec::new();
    let mut answers: Vec<(Done, Result<Written>)> = Vec::new();
    let mut broken: Option<Error> = None;
    for Job {
        environment,
        write,
        done,
    } in group
    {
        let mut working = environment.working();
        let at = now();
        let outcome = working.prepare(write, at).and_then(|mut prepared| {
            if !prepared.changes.is_empty() {
                if let Err(error) = working.apply(&mut prepared) {
                    broken.get_or_insert(copy(&error));
                    return Err(error);
                }
                commits.push(Commit {
                    environment: environment.record.id,
                    revision: Revision::from_u64(working.revision),
                    at,
                    changes: prepared.changes,
                });
            }
            prepared.written.revision = working.revision;
            Ok(prepared.written)
        });
        drop(working);
        if !touched.iter().any(|known| Arc::ptr_eq(known, &environment)) {
            touched.push(environment);
        }
        answers.push((done, outcome));
    }
    let stored = match broken {
        // A change that could be applied in part only: nothing of the group is kept.
        Some(error) => Err(error),
        None if commits.is_empty() => Ok(()),
        None => store.append(&commits).map_err(Error::from),
    };
    for environment in &touched {
        let mut working = environment.working();
        match &stored {
            Ok(()) => environment.publish(&mut working),
            Err(_) => *working = Working::from_published(&environment.published()),
        }
    }
    if stored.is_ok() {
        touched.iter().for_each(flushed);
    }
    for (done, outcome) in answers {
        done(match (&stored, outcome) {
            (Err(error), Ok(_)) => Err(copy(error)),
            (_, outcome) => outcome,
        });
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
