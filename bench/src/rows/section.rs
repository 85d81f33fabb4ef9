//! The place of the tables on the page of results. Two commands write that page, and each leaves what the other wrote.

const BEGIN: &str = "<!-- rows: begin -->\n";
const END: &str = "<!-- rows: end -->\n";
/// What stands in the place before it was measured.
const NOTHING: &str = "\n## Rows\n\nNot measured yet: `make bench-rows`.\n\n";

/// The section of a page with its marks; an empty one where there is none.
pub fn of(page: &str) -> String {
    let found = page
        .split_once(BEGIN)
        .and_then(|(_, after)| after.split_once(END));
    let (text, _) = found.unwrap_or((NOTHING, ""));
    format!("{BEGIN}{text}{END}")
}

/// The page with another section, behind everything else where it had none.
pub fn put(page: &str, section: &str) -> String {
    let section = format!("{BEGIN}{section}{END}");
    let parts = page
        .split_once(BEGIN)
        .and_then(|(before, after)| Some((before, after.split_once(END)?.1)));
    match parts {
        Some((before, after)) => format!("{before}{section}{after}"),
        None => format!("{page}\n{section}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_put_where_the_old_one_was() {
        let page = put("# Results\n", "one\n");
        assert_eq!(page, format!("# Results\n\n{BEGIN}one\n{END}"));
        let page = put(&format!("{page}## Notes\n"), "two\n");
        assert_eq!(page, format!("# Results\n\n{BEGIN}two\n{END}## Notes\n"));
        assert_eq!(of(&page), format!("{BEGIN}two\n{END}"));
    }

    #[test]
    fn a_page_without_a_section_says_so() {
        assert!(of("# Results\n").contains("make bench-rows"));
    }
}
