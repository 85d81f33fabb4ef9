//! Revisions that are kept after newer ones came: those that cursors name, so that the pages of one list are of one revision, and now and
//! then one from which, with the log of a shared store, any later one can be made again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::Published;

/// How long a revision that a cursor names is kept after it was last used, and how far back one can be made again.
const KEEP: Duration = Duration::from_secs(600);

/// Most revisions kept for cursors.
const MAX_PINS: usize = 256;

/// How much time lies between revisions that others are made from: what has to be replayed is at most that.
const BASE_EVERY: Duration = Duration::from_secs(15);

#[derive(Default)]
pub(crate) struct Kept {
    pins: BTreeMap<u64, (Arc<Published>, Instant)>,
    /// Oldest first, with the moment at which a newer one came.
    bases: VecDeque<(Arc<Published>, Instant)>,
}

impl Kept {
    /// Keeps a revision for the next page of a list.
    pub(crate) fn pin(&mut self, published: &Arc<Published>) {
        let now = Instant::now();
        self.pins.retain(|_, (_, used)| now.duration_since(*used) < KEEP);
        self.pins
            .insert(published.revision(), (Arc::clone(published), now));
        while self.pins.len() > MAX_PINS {
            let Some(oldest) = self
                .pins
                .iter()
                .min_by_key(|(_, (_, used))| *used)
                .map(|(at, _)| *at)
            else {
                break;
            };
            self.pins.remove(&oldest);
        }
    }

    /// A revision that is kept for cursors.
    pub(crate) fn pinned(&mut self, revision: u64) -> Option<Arc<Published>> {
        let (published, used) = self.pins.get_mut(&revision)?;
        *used = Instant::now();
        Some(Arc::clone(published))
    }

    /// Takes note of a revision that a newer one takes the place of.
    pub(crate) fn replaced(&mut self, published: Arc<Published>) {
        let now = Instant::now();
        let last = self.bases.back().map(|(_, at)| now.duration_since(*at));
        if last.is_some_and(|ago| ago < BASE_EVERY) {
            return;
        }
        self.bases.push_back((published, now));
        while let Some((_, second)) = self.bases.get(1)
            && now.duration_since(*second) > KEEP
        {
            self.bases.pop_front();
        }
    }

    /// The newest revision that is kept and not later than this one.
    pub(crate) fn not_after(&self, revision: u64) -> Option<Arc<Published>> {
        let pin = self
            .pins
            .range(..=revision)
            .next_back()
            .map(|(_, (published, _))| published);
        let bases = self.bases.iter().map(|(published, _)| published);
        bases
            .chain(pin)
            .filter(|published| published.revision() <= revision)
            .max_by_key(|published| published.revision())
            .cloned()
    }
}
