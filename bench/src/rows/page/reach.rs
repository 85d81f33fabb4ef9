//! What is met, what is missed, and what no policy reaches.

use std::fmt::Write as _;

use serde_json::Value;

use super::{TARGET, cell, median, ms, over, verdict};
use crate::rows::data::Subject;
use crate::rows::way::{Operation, Shape, Way};

/// Whether the target of a cell is met. It is out of reach where the least that a policy takes, measured in the same turns, misses it as well.
pub(super) fn judged(own: Option<f64>, best: Option<f64>, least: Option<f64>) -> String {
    let times = |of: Option<f64>| of.zip(best).map(|(of, best)| of / best);
    if times(own).is_some_and(|times| times <= TARGET) {
        return verdict(true).to_owned();
    }
    match least.zip(times(least)) {
        Some((least, times)) if times > TARGET => format!(
            "out of reach without an extension: a policy by hand, for these tables alone, that keeps memberships private takes {} ms, {times:.2} times as long{}",
            ms(least),
            own.map_or_else(String::new, |own| format!(
                "; Rowgate {:.2} times that",
                own / least
            ))
        ),
        _ => verdict(false).to_owned(),
    }
}

/// What policies for these tables alone take.
pub(super) fn least(size: &Value, out: &mut String) {
    out.push_str(
        "Policies written by hand for these tables alone, of one shape, and, where many rows are read, with the choice of a shape that serves all \
         subjects: median in ms, and in times of the best `WHERE`. The roles of the first four may read all memberships; those of `private` may not, as Rowgate's may not, and functions read them.\n\n\
         | | subject sees | array | hash | exists | chosen | private | private, chosen | Rowgate |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for operation in Operation::ALL {
        for subject in Subject::SHARES {
            let Some(cell) = cell(size, operation, subject) else {
                continue;
            };
            let best = median(cell, Way::Hand(Shape::Array));
            let _ = write!(out, "| {} | {} |", operation.name(), subject.sees());
            for way in Way::LEAST.into_iter().chain([Way::Rowgate]) {
                let text = match median(cell, way).zip(best) {
                    Some((median, best)) => format!("{} ×{:.2}", ms(median), median / best),
                    None => over(&cell[way.name()]),
                };
                let _ = write!(out, " {text} |");
            }
            out.push('\n');
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_out_of_reach_only_where_the_least_that_a_policy_takes_misses_it() {
        let judged = |own, least| judged(own, Some(100.0), least);
        assert_eq!(judged(Some(119.0), Some(130.0)), "met");
        assert_eq!(judged(Some(130.0), None), "**missed**");
        assert_eq!(judged(Some(130.0), Some(120.0)), "**missed**");
        assert_eq!(judged(None, Some(119.0)), "**missed**");
        assert_eq!(
            judged(Some(400.0), Some(121.0)),
            "out of reach without an extension: a policy by hand, for these tables alone, that keeps memberships private takes 0.121 ms, 1.21 times as long; \
             Rowgate 3.31 times that"
        );
    }
}
