//! Places of tables on the page of results. Several commands write that page, and each leaves what the others wrote.

use std::path::{Path, PathBuf};

use anyhow::Result;

/// Rows of Postgres under the policies that bindings make.
pub const ROWS: Section = Section {
    name: "rows",
    title: "Rows",
    command: "make bench-rows",
};
/// SQL over HTTP beside drivers.
pub const SQL: Section = Section {
    name: "sql",
    title: "SQL over HTTP",
    command: "make bench-sql",
};
/// The authorization API at scale.
pub const AUTHZ: Section = Section {
    name: "authz",
    title: "The authorization API",
    command: "make bench-authz",
};

/// The page of results.
pub fn results() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("RESULTS.md")
}

/// The sections of all commands of their own, as they are on the page.
pub fn all() -> String {
    let page = std::fs::read_to_string(results()).unwrap_or_default();
    [ROWS, SQL, AUTHZ].map(|section| section.of(&page)).join("\n")
}

/// A part of the page that a command of its own measures.
pub struct Section {
    /// What it is called in the page's marks.
    pub name: &'static str,
    /// Its headline.
    pub title: &'static str,
    /// What measures it.
    pub command: &'static str,
}

impl Section {
    fn marks(&self) -> [String; 2] {
        ["begin", "end"].map(|side| format!("<!-- {}: {side} -->\n", self.name))
    }

    /// The section of a page with its marks; where there is none, one that says how to measure it.
    fn of(&self, page: &str) -> String {
        let [begin, end] = self.marks();
        let found = page
            .split_once(&begin)
            .and_then(|(_, after)| after.split_once(&end));
        let nothing = format!("\n## {}\n\nNot measured yet: `{}`.\n\n", self.title, self.command);
        let text = found.map_or(nothing.as_str(), |(text, _)| text);
        format!("{begin}{text}{end}")
    }

    /// Writes the section, and leaves the rest of the page.
    pub fn write(&self, text: &str) -> Result<()> {
        let page = std::fs::read_to_string(results())?;
        std::fs::write(results(), self.put(&page, text))?;
        Ok(())
    }

    /// The page with another text here, behind everything else where it had none.
    fn put(&self, page: &str, text: &str) -> String {
        let [begin, end] = self.marks();
        let section = format!("{begin}{text}{end}");
        let parts = page
            .split_once(&begin)
            .and_then(|(before, after)| Some((before, after.split_once(&end)?.1)));
        match parts {
            Some((before, after)) => format!("{before}{section}{after}"),
            None => format!("{page}\n{section}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Section = Section {
        name: "one",
        title: "One",
        command: "make bench-one",
    };
    const TWO: Section = Section {
        name: "two",
        title: "Two",
        command: "make bench-two",
    };

    #[test]
    fn a_section_is_put_where_the_old_one_was_and_others_stay() {
        let page = TWO.put(&ONE.put("# Results\n", "1\n"), "2\n");
        assert!(page.contains("one: begin -->\n1\n<!--") && page.contains("two: begin -->\n2\n<!--"));
        let page = ONE.put(&format!("{page}## Notes\n"), "3\n");
        assert!(page.contains("one: begin -->\n3\n<!--") && page.contains("two: begin -->\n2\n<!--"));
        assert!(page.ends_with("## Notes\n"));
        assert_eq!(ONE.of(&page), "<!-- one: begin -->\n3\n<!-- one: end -->\n");
    }

    #[test]
    fn a_page_without_a_section_says_how_to_measure_it() {
        assert!(ONE.of("# Results\n").contains("make bench-one"));
    }
}
