//! Names as people write them in SQL: in double quotes only where Postgres needs them. What is printed here is read, copied and run.

use rowgate_binding::Qualified;

/// Words of SQL that cannot stand for a name everywhere, of every supported version.
const KEYWORDS: &str = "all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case \
    cast char character check coalesce collate collation column concurrently constraint create cross current_catalog current_date \
    current_role current_schema current_time current_timestamp current_user dec decimal default deferrable desc distinct do else end \
    except exists extract false fetch float for foreign freeze from full grant greatest group grouping having ilike in initially inner \
    inout int integer intersect interval into is isnull join json json_array json_arrayagg json_exists json_object json_objectagg \
    json_query json_scalar json_serialize json_table json_value lateral leading least left like limit localtime localtimestamp \
    merge_action national natural nchar none normalize not notnull null nullif numeric offset on only or order out outer overlaps \
    overlay placing position precision primary real references returning right row select session_user setof similar smallint \
    some substring symmetric system_user table tablesample then time timestamp to trailing treat trim true union unique user using \
    values varchar variadic verbose when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces \
    xmlparse xmlpi xmlroot xmlserialize xmltable";

/// An identifier, quoted where it must be.
pub(crate) fn bare(name: &str) -> String {
    let mut chars = name.chars();
    let plain = chars.next().is_some_and(|c| c.is_ascii_lowercase() || c == '_')
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain && !KEYWORDS.split_ascii_whitespace().any(|word| word == name) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// `schema.name`
pub(crate) fn dotted(name: &Qualified) -> String {
    format!("{}.{}", bare(&name.schema), bare(&name.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_quotes_has_them() {
        assert_eq!(bare("ticket_2"), "ticket_2");
        for odd in ["Ticket", "user", "2nd", "", "a b", "größe"] {
            assert_eq!(bare(odd), format!("\"{odd}\""));
        }
        assert_eq!(bare("a\"; drop table t"), "\"a\"\"; drop table t\"");
        assert_eq!(dotted(&Qualified::new("public", "order")), "public.\"order\"");
    }
}
