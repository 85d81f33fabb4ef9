//! All ways show the same rows and let the same rows be written. Otherwise nothing could be compared.

#![allow(clippy::unwrap_used)]

use rowgate_pgtest::{Cluster, Options, versions};

use super::*;
use crate::rows::load;

const PATIENCE: Duration = Duration::from_secs(60);

fn ways() -> Vec<Way> {
    let mut ways: Vec<Way> = Way::all(Shape::Array)
        .into_iter()
        .chain(Way::LEAST)
        .filter(|way| *way != Way::Open)
        .collect();
    ways.extend(Shape::ALL[1..].iter().map(|shape| Way::Hand(*shape)));
    ways
}

#[test]
fn all_ways_answer_what_the_data_says() {
    for version in versions() {
        let cluster = Cluster::start(version, Options::default());
        let tickets = Tickets::new(20_000).unwrap();
        let database = load::database(&cluster, tickets).unwrap();
        let mut sessions = Sessions::open(&database, &ways(), PATIENCE).unwrap();
        for subject in Subject::ALL {
            let asker = Asker::new(tickets, subject);
            assert_eq!(
                asker.list.len() as i64,
                tickets.count(&subject.grants().visible())
            );
            for way in ways() {
                for operation in Operation::ALL.into_iter().filter(|operation| way.can(*operation)) {
                    // `rowgate.check` takes a millisecond for each row: twenty thousand rows would take too long for a test.
                    if way == Way::Check && operation.reads_many() {
                        continue;
                    }
                    let mut contender = Contender::new(way);
                    contender.turn(&mut sessions, &asker, operation, 3).unwrap();
                    assert!(!contender.too_long, "{way:?} {operation:?}");
                }
            }
        }
    }
}

#[test]
fn no_way_shows_or_writes_what_the_subject_may_not_see() {
    for version in versions() {
        let cluster = Cluster::start(version, Options::default());
        let tickets = Tickets::new(20_000).unwrap();
        let database = load::database(&cluster, tickets).unwrap();
        let mut sessions = Sessions::open(&database, &ways(), PATIENCE).unwrap();
        for subject in Subject::ALL {
            let asker = Asker::new(tickets, subject);
            let visible = subject.grants().visible();
            let hidden = tickets.some(&visible, false, 1)[0];
            let cases = [
                (Operation::Point, hidden, vec![]),
                (Operation::Update, hidden, vec![0]),
                (Operation::Insert, tickets.project(hidden), vec![0]),
                (Operation::InsertSelect, tickets.project(hidden), vec![0]),
            ];
            for (operation, target, expected) in cases {
                for way in ways().into_iter().filter(|way| way.can(operation)) {
                    let question = Question {
                        operation,
                        subject,
                        target,
                        list: &asker.list,
                    };
                    let (outcome, _) = sessions.ask(way, question).unwrap();
                    assert_eq!(
                        outcome,
                        Outcome::Answer(expected.clone()),
                        "{way:?} {operation:?}"
                    );
                }
            }
        }
    }
}
