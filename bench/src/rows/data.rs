//! The data: tickets in 10,000 projects of 1,000 organizations, and who may see which projects.
//!
//! Everything follows from numbers, so what a subject may see is known without any database.

use std::collections::BTreeSet;

use crate::rng::Rng;

/// Projects are numbered from 1.
pub const PROJECTS: i64 = 10_000;
/// Organizations are numbered from 1; each has ten projects in a row.
pub const ORGANIZATIONS: i64 = 1_000;
/// The tickets of the last project, however many there are of others.
pub const STEADY_TICKETS: i64 = 1_000;
/// Other users, for each ticket.
const TICKETS_PER_USER: i64 = 100;

/// Tickets, numbered from 1.
#[derive(Debug, Clone, Copy)]
pub struct Tickets {
    rows: i64,
}

impl Tickets {
    /// So many: a multiple of [`STEADY_TICKETS`], and more than that.
    pub fn new(rows: i64) -> anyhow::Result<Self> {
        anyhow::ensure!(
            rows > STEADY_TICKETS && rows % STEADY_TICKETS == 0,
            "{rows} rows: must be a multiple of {STEADY_TICKETS}, and more than that"
        );
        Ok(Self { rows })
    }

    /// How many.
    pub fn rows(self) -> i64 {
        self.rows
    }

    /// The project of a ticket.
    pub fn project(self, ticket: i64) -> i64 {
        if ticket % (self.rows / STEADY_TICKETS) == 0 {
            return PROJECTS;
        }
        let mut rng = Rng::new(ticket.unsigned_abs());
        1 + i64::from(rng.below((PROJECTS - 1) as u32))
    }

    /// How many other users there are.
    pub fn others(self) -> i64 {
        self.rows / TICKETS_PER_USER
    }

    /// How many tickets of these projects there are.
    #[cfg(test)]
    pub fn count(self, projects: &BTreeSet<i64>) -> i64 {
        let mut seen = vec![false; PROJECTS as usize + 1];
        for project in projects {
            seen[*project as usize] = true;
        }
        let tickets = 1..=self.rows;
        tickets
            .filter(|ticket| seen[self.project(*ticket) as usize])
            .count() as i64
    }

    /// Some tickets of these projects, or of all others: the same ones every time, spread over all.
    pub fn some(self, projects: &BTreeSet<i64>, inside: bool, count: usize) -> Vec<i64> {
        let mut rng = Rng::new(7);
        let mut found = Vec::new();
        // Of twenty thousand rows a thousandth may see twenty.
        for _ in 0..count * 5_000 {
            let ticket = 1 + i64::from(rng.below(self.rows as u32));
            if projects.contains(&self.project(ticket)) == inside {
                found.push(ticket);
            }
            if found.len() == count {
                break;
            }
        }
        found
    }
}

/// The organization of a project.
pub fn organization(project: i64) -> i64 {
    (project - 1) / (PROJECTS / ORGANIZATIONS) + 1
}

/// The first project of an organization.
fn first_project(organization: i64) -> i64 {
    (organization - 1) * (PROJECTS / ORGANIZATIONS) + 1
}

/// What somebody was granted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// Projects of which they are viewers.
    pub projects: Vec<i64>,
    /// Organizations of which they are members, and so viewers of all their projects.
    pub organizations: Vec<i64>,
}

impl Grants {
    /// The projects that they may see.
    pub fn visible(&self) -> BTreeSet<i64> {
        let of_organization = |organization: &i64| {
            let first = first_project(*organization);
            first..first + PROJECTS / ORGANIZATIONS
        };
        let inherited = self.organizations.iter().flat_map(of_organization);
        self.projects.iter().copied().chain(inherited).collect()
    }
}

/// The subjects whose statements are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Sees 0.1 %: 10 projects, granted one by one.
    Thousandth,
    /// Sees 10 %: 90 organizations and 100 more projects.
    Tenth,
    /// Sees 50 %: 450 organizations and 500 more projects.
    Half,
    /// Sees the last project, whose tickets are always a thousand.
    Steady,
}

impl Subject {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Thousandth, Self::Tenth, Self::Half, Self::Steady];
    /// Those who see a share of all tickets.
    pub const SHARES: [Self; 3] = [Self::Thousandth, Self::Tenth, Self::Half];

    /// The user's id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Thousandth => "thousandth",
            Self::Tenth => "tenth",
            Self::Half => "half",
            Self::Steady => "steady",
        }
    }

    /// What they see, in words.
    pub fn sees(self) -> &'static str {
        match self {
            Self::Thousandth => "0.1 %",
            Self::Tenth => "10 %",
            Self::Half => "50 %",
            Self::Steady => "1,000 rows",
        }
    }

    /// What they were granted.
    pub fn grants(self) -> Grants {
        match self {
            Self::Thousandth => Grants {
                projects: (0..10).map(|n| 7 + 1_000 * n).collect(),
                organizations: Vec::new(),
            },
            Self::Tenth => Grants {
                projects: (0..100)
                    .map(|n| first_project(6 + (n % 90) * 11) + n / 90)
                    .collect(),
                organizations: (0..90).map(|n| 5 + n * 11).collect(),
            },
            Self::Half => Grants {
                projects: (0..500).map(|n| first_project(1 + 2 * n)).collect(),
                organizations: (1..=450).map(|n| 2 * n).collect(),
            },
            Self::Steady => Grants {
                projects: vec![PROJECTS],
                organizations: Vec::new(),
            },
        }
    }
}

/// What one of the other users was granted: eight projects and two organizations.
pub fn others(user: i64) -> (String, Grants) {
    let mut rng = Rng::new(0x6f74_6865_7200_0000 + user.unsigned_abs());
    let mut some = |count: usize, bound: i64| -> Vec<i64> {
        let mut chosen = BTreeSet::new();
        while chosen.len() < count {
            chosen.insert(1 + i64::from(rng.below(bound as u32)));
        }
        chosen.into_iter().collect()
    };
    let grants = Grants {
        projects: some(8, PROJECTS),
        organizations: some(2, ORGANIZATIONS),
    };
    (format!("u{user}"), grants)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn subjects_see_as_many_projects_as_is_said() {
        let projects = |subject: Subject| subject.grants().visible().len();
        assert_eq!(projects(Subject::Thousandth), 10);
        assert_eq!(projects(Subject::Tenth), 1_000);
        assert_eq!(projects(Subject::Half), 5_000);
        assert_eq!(projects(Subject::Steady), 1);
        for subject in Subject::ALL {
            let visible = subject.grants().visible();
            assert!(visible.iter().all(|project| (1..=PROJECTS).contains(project)));
            assert_eq!(visible.contains(&PROJECTS), subject == Subject::Steady);
        }
    }

    #[test]
    fn subjects_see_the_shares_of_the_tickets_that_are_said() {
        for rows in [100_000, 1_000_000] {
            let tickets = Tickets::new(rows).unwrap();
            for (subject, share) in [
                (Subject::Thousandth, 0.001),
                (Subject::Tenth, 0.1),
                (Subject::Half, 0.5),
            ] {
                let count = tickets.count(&subject.grants().visible()) as f64;
                let wanted = rows as f64 * share;
                // The spread of a random choice: less than five deviations, and a hundredth for the steady project.
                let most = 5.0 * wanted.sqrt() + 0.01 * wanted;
                assert!((count - wanted).abs() < most, "{subject:?} of {rows}: {count}");
            }
            assert_eq!(tickets.count(&Subject::Steady.grants().visible()), STEADY_TICKETS);
        }
    }

    #[test]
    fn some_tickets_are_those_of_the_projects() {
        let tickets = Tickets::new(1_000_000).unwrap();
        let visible = Subject::Thousandth.grants().visible();
        for inside in [true, false] {
            let some = tickets.some(&visible, inside, 50);
            assert_eq!(some.len(), 50);
            assert!(
                some.iter()
                    .all(|ticket| visible.contains(&tickets.project(*ticket)) == inside)
            );
        }
    }

    #[test]
    fn the_same_every_time() {
        let tickets = Tickets::new(1_000_000).unwrap();
        assert_eq!(
            [1, 2, 999, 1_000].map(|ticket| tickets.project(ticket)),
            [5_666, 5_912, 4_085, PROJECTS]
        );
        assert_eq!(others(3), others(3));
    }

    #[test]
    fn a_number_of_rows_that_cannot_be() {
        assert!(Tickets::new(1_500).is_err());
        assert!(Tickets::new(1_000).is_err());
    }
}
