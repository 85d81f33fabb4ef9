//! What is asked of every contender, with the answers that are right.

use crate::rng::Rng;
use crate::world::{Kind, World};

/// One check.
#[derive(Debug, Clone)]
pub struct Question {
    /// Id of the document.
    pub document: String,
    /// Relation asked for.
    pub relation: &'static str,
    /// Id of the user.
    pub user: String,
    /// The right answer.
    pub allowed: bool,
}

/// One list.
#[derive(Debug)]
pub struct ListQuestion {
    /// Id of the user.
    pub user: String,
    /// The ids of all documents that the user can view, sorted.
    pub documents: Vec<String>,
}

/// A kind of check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// One warrant decides: half of the answers are yes.
    Direct,
    /// Groups, folders and the exclusion, all answers yes.
    NestedAllowed,
    /// The same, all answers no: every path has to be looked at.
    NestedDenied,
}

impl Sort {
    /// All of them.
    pub const ALL: [Sort; 3] = [Sort::Direct, Sort::NestedAllowed, Sort::NestedDenied];

    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Sort::Direct => "direct",
            Sort::NestedAllowed => "nested, allowed",
            Sort::NestedDenied => "nested, denied",
        }
    }

    /// Questions of this kind about random documents.
    pub fn questions(self, world: &World, count: usize, seed: u64) -> Vec<Question> {
        let mut rng = Rng::new(seed ^ self as u64);
        let mut questions = Vec::with_capacity(count);
        while questions.len() < count {
            let document = rng.below(world.documents());
            let (relation, user) = match self {
                Sort::Direct if rng.below(2) == 0 => ("owner", world.owner(document)),
                Sort::Direct => ("owner", rng.below(world.users())),
                Sort::NestedAllowed => ("view", world.likely_viewer(document, &mut rng)),
                Sort::NestedDenied => ("view", rng.below(world.users())),
            };
            let allowed = match self {
                Sort::Direct => world.owner(document) == user,
                Sort::NestedAllowed | Sort::NestedDenied => world.can_view(document, user),
            };
            if self == Sort::Direct || allowed == (self == Sort::NestedAllowed) {
                let (document, user) = (Kind::Document.id(document), Kind::User.id(user));
                questions.push(Question {
                    document,
                    relation,
                    user,
                    allowed,
                });
            }
        }
        questions
    }
}

/// Lists of users who can view about a thousand documents.
pub fn lists(world: &World, count: usize, seed: u64) -> Vec<ListQuestion> {
    let mut rng = Rng::new(seed);
    let candidates: Vec<u32> = (0..count * 8).map(|_| rng.below(world.users())).collect();
    let mut sized: Vec<(u32, Vec<u32>)> = candidates
        .into_iter()
        .map(|user| (user, world.documents_of(user)))
        .collect();
    sized.sort_by_key(|(user, documents)| (documents.len().abs_diff(1_000), *user));
    sized.dedup_by_key(|(user, _)| *user);
    let list = |(user, documents): (u32, Vec<u32>)| {
        let mut documents: Vec<String> = documents
            .into_iter()
            .map(|number| Kind::Document.id(number))
            .collect();
        documents.sort_unstable();
        ListQuestion {
            user: Kind::User.id(user),
            documents,
        }
    };
    sized.into_iter().take(count).map(list).collect()
}
