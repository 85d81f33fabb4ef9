//! Names of types and relations.

/// What is one of them called: the singular of an English plural, where that is sure.
pub(super) fn singular(name: &str) -> String {
    // The last word decides: `order_items`.
    let (head, word) = name
        .rsplit_once('_')
        .map_or(("", name), |(head, word)| (head, word));
    let one = singular_word(word);
    if head.is_empty() {
        one
    } else {
        format!("{head}_{one}")
    }
}

fn singular_word(word: &str) -> String {
    const IRREGULAR: [(&str, &str); 10] = [
        ("people", "person"),
        ("children", "child"),
        ("men", "man"),
        ("women", "woman"),
        ("statuses", "status"),
        ("aliases", "alias"),
        ("movies", "movie"),
        ("cookies", "cookie"),
        ("series", "series"),
        ("news", "news"),
    ];
    if let Some((_, one)) = IRREGULAR.iter().find(|(many, _)| *many == word) {
        return (*one).to_owned();
    }
    let keeps = ["ss", "us", "is", "as", "os"];
    let stem = |ending: &str| word.strip_suffix(ending).filter(|stem| stem.len() >= 2);
    if let Some(stem) = stem("ies") {
        return format!("{stem}y");
    }
    for ending in ["sses", "xes", "ches", "shes", "zzes"] {
        if let Some(stem) = stem(ending) {
            return format!("{stem}{}", ending.trim_end_matches("es"));
        }
    }
    match stem("s") {
        Some(stem) if !keeps.iter().any(|keep| word.ends_with(keep)) => stem.to_owned(),
        _ => word.to_owned(),
    }
}

/// The name of a type or relation that is made from a name in the database: `OrderItem` is `order_item`.
pub(super) fn identifier(name: &str) -> String {
    let mut out = String::new();
    let mut before = '_';
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            if before.is_ascii_lowercase() || before.is_ascii_digit() {
                out.push('_');
            }
            out.push(c.to_ascii_lowercase());
        } else if c.is_ascii_alphanumeric() || c == '_' || c == '-' {
            out.push(c);
        } else if !out.ends_with('_') {
            out.push('_');
        }
        before = c;
    }
    let out: String = out.trim_matches('_').chars().take(60).collect();
    if out.is_empty() { "unnamed".to_owned() } else { out }
}

/// The relation that a column holds: `creator_id` is `creator`.
pub(super) fn of_column(column: &str) -> String {
    let name = identifier(column);
    let endings = ["_id", "_uuid", "_fk", "_key", "_ref"];
    let stem = endings
        .iter()
        .find_map(|ending| name.strip_suffix(ending))
        .filter(|stem| !stem.is_empty());
    free(stem.unwrap_or(&name))
}

/// The relation that a table holds which joins `holder` with subjects of a type.
pub(super) fn of_join(table: &str, holder: &str, subject: &str, is_person: bool) -> String {
    let name = singular(&identifier(table));
    let plural = format!("{holder}s_");
    let prefixes = [format!("{holder}_"), plural];
    let rest = prefixes
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix.as_str()))
        .unwrap_or(&name);
    if !is_person {
        return free(subject);
    }
    let says_nothing =
        rest == subject || rest == name && name.contains(subject) || rest.contains("membership");
    if says_nothing {
        "member".to_owned()
    } else {
        free(rest)
    }
}

/// A name that is no operator of the schema language.
fn free(name: &str) -> String {
    if matches!(name, "any_of" | "all_of" | "none_of") {
        format!("{name}_")
    } else {
        name.to_owned()
    }
}

/// The name, or the name with the first number that makes it new.
pub(super) fn unique(name: String, taken: impl Fn(&str) -> bool) -> String {
    if !taken(&name) {
        return name;
    }
    let numbered = (2..).map(|number: u32| format!("{name}_{number}"));
    numbered.into_iter().find(|name| !taken(name)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_that_are_sure_become_singular() {
        for (many, one) in [
            ("tickets", "ticket"),
            ("order_items", "order_item"),
            ("categories", "category"),
            ("boxes", "box"),
            ("addresses", "address"),
            ("houses", "house"),
            ("people", "person"),
            ("status", "status"),
            ("address", "address"),
            ("analysis", "analysis"),
            ("ticket", "ticket"),
            ("s", "s"),
        ] {
            assert_eq!(singular(many), one);
        }
    }

    #[test]
    fn names_of_the_database_become_names_of_the_schema() {
        assert_eq!(identifier("OrderItem"), "order_item");
        assert_eq!(identifier("tbl Kunden.Größe"), "tbl_kunden_gr_e");
        assert_eq!(identifier("größe"), "gr_e");
        assert_eq!(identifier("日本"), "unnamed");
        assert_eq!(of_column("assigneeId"), "assignee");
        assert_eq!(of_column("created_by"), "created_by");
        assert_eq!(of_column("_id"), "id");
        assert_eq!(of_join("ticket_watchers", "ticket", "user", true), "watcher");
        assert_eq!(of_join("projects_users", "project", "user", true), "member");
        assert_eq!(of_join("memberships", "team", "user", true), "member");
        assert_eq!(of_join("project_team", "project", "team", false), "team");
    }
}
