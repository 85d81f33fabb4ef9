//! Did you mean …?

/// The candidate nearest to what was written, if one is near enough to be a slip. A candidate that is what was written is none.
pub fn nearest<'c>(written: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let length = written.chars().count();
    let allowed = (length / 3).clamp(usize::from(length > 1), 3);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != written)
        .map(|candidate| (distance(written, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The nearest candidate as a question to the author.
pub fn did_you_mean<'c>(written: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
    nearest(written, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
}

/// Edits between two words, case not counting: insertion, deletion, replacement, swap of neighbours.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().flat_map(char::to_lowercase).collect();
    let b: Vec<char> = b.chars().flat_map(char::to_lowercase).collect();
    if a.len().abs_diff(b.len()) > 3 || a.len() > 64 {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(x != y))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_suggested_and_a_different_word_is_not() {
        let names = ["amount", "user_attributes", "len"];
        assert_eq!(nearest("amuont", names), Some("amount"));
        assert_eq!(nearest("user_atributes", names), Some("user_attributes"));
        assert_eq!(nearest("Len", names), Some("len"));
        assert_eq!(nearest("colour", names), None);
        assert_eq!(nearest("len", names), None);
        assert_eq!(nearest("x", ["y"]), None);
        // Of two that are equally near, always the same one.
        assert_eq!(nearest("ab", ["bb", "aa"]), Some("aa"));
        assert_eq!(did_you_mean("lne", names).unwrap(), "did you mean `len`?");
    }

    #[test]
    fn a_swap_is_one_step() {
        assert_eq!(distance("veiwer", "viewer"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
