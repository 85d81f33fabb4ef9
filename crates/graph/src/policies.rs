//! The policies on warrants: each text compiled once, however many warrants carry it.

use std::sync::Arc;

use rowgate_policy::Policy;
use rustc_hash::FxHashMap;

use crate::PolicyId;
use crate::cow::CowVec;

/// A policy text and what it compiled to.
#[derive(Debug)]
pub struct WarrantPolicy {
    text: Arc<str>,
    compiled: Option<Policy>,
}

impl WarrantPolicy {
    /// The text, exactly as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The compiled policy. `None` when a stored text does not compile: it counts as unknown and never grants.
    pub fn compiled(&self) -> Option<&Policy> {
        self.compiled.as_ref()
    }
}

/// What readers need: from number to policy.
#[derive(Debug, Clone, Default)]
pub(crate) struct Policies {
    slots: CowVec<Option<Arc<WarrantPolicy>>>,
}

impl Policies {
    pub(crate) fn get(&self, policy: PolicyId) -> Option<&WarrantPolicy> {
        self.slots.get((policy.0 as usize).checked_sub(1)?)?.as_deref()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (PolicyId, &WarrantPolicy)> {
        let numbered = self.slots.iter().enumerate();
        numbered.filter_map(|(slot, policy)| Some((PolicyId(slot as u32 + 1), policy.as_deref()?)))
    }
}

/// What the writer needs besides: from text to number, how many warrants use it, and which slots are free.
#[derive(Debug, Default)]
pub(crate) struct PolicyIndex {
    by_text: FxHashMap<Arc<str>, (PolicyId, u32)>,
    free: Vec<PolicyId>,
}

impl PolicyIndex {
    /// Counts one use of a policy that is in its slot already.
    pub(crate) fn count(&mut self, policies: &Policies, policy: PolicyId) {
        if let Some(entry) = policies.get(policy) {
            self.by_text
                .entry(Arc::clone(&entry.text))
                .or_insert((policy, 0))
                .1 += 1;
        }
    }

    /// Finds the slots that can be used again.
    pub(crate) fn find_free(&mut self, policies: &Policies) {
        let empty = policies
            .slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.is_none());
        self.free = empty.map(|(slot, _)| PolicyId(slot as u32 + 1)).collect();
    }

    pub(crate) fn find(&self, text: &str) -> Option<PolicyId> {
        self.by_text.get(text).map(|(policy, _)| *policy)
    }

    /// The number of `text`, counted as used once more.
    pub(crate) fn acquire(&mut self, policies: &mut Policies, text: &str) -> PolicyId {
        if let Some((policy, uses)) = self.by_text.get_mut(text) {
            *uses += 1;
            return *policy;
        }
        let text: Arc<str> = Arc::from(text);
        let entry = Arc::new(WarrantPolicy {
            text: Arc::clone(&text),
            compiled: Policy::compile_warrant(&text).ok(),
        });
        let policy = match self.free.pop() {
            Some(policy) => {
                if let Some(slot) = policies.slots.get_mut(policy.0 as usize - 1) {
                    *slot = Some(entry);
                }
                policy
            }
            None => {
                policies.slots.push(Some(entry));
                PolicyId(policies.slots.len() as u32)
            }
        };
        self.by_text.insert(text, (policy, 1));
        policy
    }

    pub(crate) fn release(&mut self, policies: &mut Policies, policy: PolicyId) {
        let Some(text) = policies.get(policy).map(|entry| Arc::clone(&entry.text)) else {
            return;
        };
        let Some((_, uses)) = self.by_text.get_mut(&text) else {
            return;
        };
        *uses -= 1;
        if *uses == 0 {
            self.by_text.remove(&text);
            if let Some(slot) = policies.slots.get_mut(policy.0 as usize - 1) {
                *slot = None;
            }
            self.free.push(policy);
        }
    }
}
