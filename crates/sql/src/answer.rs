//! Outcomes as JSON.

use fallible_iterator::FallibleIterator;
use postgres_protocol::Oid;
use postgres_protocol::message::backend::DataRowBody;

use crate::error::{Error, Result};
use crate::execute::Outcome;
use crate::kind::{Kind, Kinds};
use crate::value;

/// How an answer is written.
pub(crate) struct Shape {
    /// Values as Postgres writes them.
    pub(crate) raw_text: bool,
    /// For each query, whether its rows are arrays.
    pub(crate) array_modes: Vec<bool>,
    pub(crate) is_batch: bool,
    /// Longest body, in bytes.
    pub(crate) limit: usize,
}

impl Shape {
    /// The types that have to be known first.
    pub(crate) fn unknown_types(&self, outcomes: &[Outcome], kinds: &Kinds) -> Result<Vec<Oid>> {
        let mut unknown = Vec::new();
        if self.raw_text {
            return Ok(unknown);
        }
        for fields in outcomes.iter().filter_map(|outcome| outcome.fields.as_ref()) {
            let mut fields = fields.fields();
            while let Some(field) = fields.next().map_err(broken)? {
                if kinds.get(field.type_oid()).is_none() && !unknown.contains(&field.type_oid()) {
                    unknown.push(field.type_oid());
                }
            }
        }
        Ok(unknown)
    }

    /// The body of the answer.
    pub(crate) fn write(&self, outcomes: &[Outcome], kinds: &Kinds) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(1024);
        if self.is_batch {
            out.extend_from_slice(b"{\"results\":[");
        }
        for (number, (outcome, array_mode)) in outcomes.iter().zip(&self.array_modes).enumerate() {
            if number > 0 {
                out.push(b',');
            }
            self.write_outcome(&mut out, outcome, *array_mode, kinds)?;
        }
        if self.is_batch {
            out.extend_from_slice(b"]}");
        }
        self.check_length(&out)?;
        Ok(out)
    }

    fn check_length(&self, out: &[u8]) -> Result<()> {
        if out.len() > self.limit {
            return Err(Error::ResponseTooLarge(self.limit, "bytes"));
        }
        Ok(())
    }

    fn write_outcome(
        &self,
        out: &mut Vec<u8>,
        outcome: &Outcome,
        array_mode: bool,
        kinds: &Kinds,
    ) -> Result<()> {
        let mut columns = Vec::new();
        out.extend_from_slice(b"{\"fields\":[");
        if let Some(fields) = &outcome.fields {
            let mut fields = fields.fields();
            while let Some(field) = fields.next().map_err(broken)? {
                if !columns.is_empty() {
                    out.push(b',');
                }
                let mut name = Vec::new();
                value::write_text(&mut name, field.name());
                out.extend_from_slice(b"{\"name\":");
                out.extend_from_slice(&name);
                let rest = format!(
                    ",\"dataTypeID\":{},\"tableID\":{},\"columnID\":{},\"dataTypeSize\":{},\"dataTypeModifier\":{},\"format\":\"text\"}}",
                    field.type_oid(),
                    field.table_oid(),
                    field.column_id(),
                    field.type_size(),
                    field.type_modifier()
                );
                out.extend_from_slice(rest.as_bytes());
                let kind = if self.raw_text {
                    Kind::Text
                } else {
                    kinds.get(field.type_oid()).unwrap_or(Kind::Text)
                };
                columns.push((name, kind));
            }
        }
        out.extend_from_slice(b"],\"rows\":[");
        for (number, row) in outcome.rows.iter().enumerate() {
            if number > 0 {
                out.push(b',');
            }
            write_row(out, row, &columns, array_mode)?;
            self.check_length(out)?;
        }
        out.extend_from_slice(b"],\"command\":");
        value::write_text(out, outcome.tag.split(' ').next().unwrap_or_default());
        let count = outcome
            .tag
            .rsplit(' ')
            .next()
            .and_then(|word| word.parse::<u64>().ok());
        let count = count.map_or("null".to_owned(), |count| count.to_string());
        out.extend_from_slice(format!(",\"rowCount\":{count},\"rowAsArray\":{array_mode}}}").as_bytes());
        Ok(())
    }
}

fn write_row(
    out: &mut Vec<u8>,
    row: &DataRowBody,
    columns: &[(Vec<u8>, Kind)],
    array_mode: bool,
) -> Result<()> {
    out.push(if array_mode { b'[' } else { b'{' });
    let mut ranges = row.ranges();
    for (number, (name, kind)) in columns.iter().enumerate() {
        let range = ranges
            .next()
            .map_err(broken)?
            .ok_or(Error::Answer("a row has too few values"))?;
        if number > 0 {
            out.push(b',');
        }
        if !array_mode {
            out.extend_from_slice(name);
            out.push(b':');
        }
        match range {
            None => out.extend_from_slice(b"null"),
            Some(range) => {
                let bytes = row.buffer().get(range).ok_or(Error::Answer("a row is cut"))?;
                let text =
                    std::str::from_utf8(bytes).map_err(|_| Error::Answer("a value is not in UTF-8"))?;
                value::write(out, text, kind)?;
            }
        }
    }
    out.push(if array_mode { b']' } else { b'}' });
    Ok(())
}

fn broken(_: std::io::Error) -> Error {
    Error::Answer("a message cannot be read")
}
