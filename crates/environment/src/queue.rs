//! What waits to be written, and whose turn it is.
//!
//! A group of writes is prepared, then appended. At any time one thread at most prepares and one at most appends; with two
//! threads, one prepares the next group while the other waits for the disk. Each group is kept by the thread that began it, so
//! there is nothing to hand over, and groups are appended in the order in which they were prepared.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::writer::Job;

/// Most writes that share a flush.
const MAX_GROUP: usize = 512;

pub(crate) struct Queue {
    state: Mutex<State>,
    /// Whoever waits for the turn to prepare.
    turn: Condvar,
    /// Whoever has it, and waits for a write or for the turn to append.
    work: Condvar,
    /// Groups are prepared while another one is appended.
    ahead: bool,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    preparing: bool,
    appending: bool,
    /// What is queued is finished; nothing more is taken.
    stopping: bool,
    /// A thread ended in the middle of its turn. What it left cannot be built on.
    broken: bool,
}

impl Queue {
    pub(crate) fn new(ahead: bool) -> Self {
        Self {
            state: Mutex::default(),
            turn: Condvar::new(),
            work: Condvar::new(),
            ahead,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a write. After the end it is dropped, and a dropped job answers.
    pub(crate) fn push(&self, job: Job) {
        let mut state = self.state();
        if state.stopping {
            drop(state);
            drop(job);
            return;
        }
        state.jobs.push_back(job);
        drop(state);
        self.work.notify_one();
    }

    /// Lets the threads finish what is queued and end.
    pub(crate) fn stop(&self) {
        self.state().stopping = true;
        self.work.notify_one();
        self.turn.notify_one();
    }

    /// Waits for the turn to prepare.
    pub(crate) fn prepare(&self) -> Preparing<'_> {
        let mut state = self.state();
        while state.preparing {
            state = self.turn.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.preparing = true;
        Preparing { queue: self }
    }

    /// A thread that panics in its turn ends the writing: whoever waits for an answer gets one.
    fn end_if_panicking(&self) {
        if std::thread::panicking() {
            let mut state = self.state();
            (state.stopping, state.broken) = (true, true);
            let jobs = std::mem::take(&mut state.jobs);
            drop(state);
            drop(jobs);
        }
    }
}

/// The turn to prepare. Dropping it ends it.
pub(crate) struct Preparing<'a> {
    queue: &'a Queue,
}

impl<'a> Preparing<'a> {
    /// The next write for a group that has `taken`. `None`: the group is complete, or, when it is empty, this is the end.
    ///
    /// Appending begins as soon as nobody else does it: a group that goes on growing meanwhile would leave the disk idle. When
    /// groups are not prepared ahead, all that is queued shares the flush.
    pub(crate) fn next(&self, taken: usize) -> Option<Job> {
        let mut state = self.queue.state();
        loop {
            if taken > 0 && self.queue.ahead && !state.appending {
                return None;
            }
            if taken < MAX_GROUP
                && let Some(job) = state.jobs.pop_front()
            {
                return Some(job);
            }
            if !state.appending && (taken > 0 || state.stopping) {
                return None;
            }
            state = self
                .queue
                .work
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes the turn to append, too. `None` when the writing has ended under it.
    pub(crate) fn append(&self) -> Option<Appending<'a>> {
        let mut state = self.queue.state();
        while state.appending {
            state = self
                .queue
                .work
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.broken {
            return None;
        }
        state.appending = true;
        Some(Appending { queue: self.queue })
    }
}

impl Drop for Preparing<'_> {
    fn drop(&mut self) {
        self.queue.end_if_panicking();
        self.queue.state().preparing = false;
        self.queue.turn.notify_one();
    }
}

/// The turn to append. Dropping it ends it.
pub(crate) struct Appending<'a> {
    queue: &'a Queue,
}

impl Drop for Appending<'_> {
    fn drop(&mut self) {
        self.queue.end_if_panicking();
        self.queue.state().appending = false;
        self.queue.work.notify_one();
    }
}
