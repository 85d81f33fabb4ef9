//! Values as text: JSON for expressions, abbreviated for people.

use crate::clock::{date, duration};
use crate::eval::Machine;
use crate::fail::Fail;
use crate::limits::{MAX_QUOTE, MAX_VALUE_DEPTH};
use crate::value::Value;

/// `string(value)`: bare dates and durations, compact JSON for arrays and maps.
pub(crate) fn string<'a>(machine: &mut Machine<'a>, value: &Value<'a>) -> Result<String, Fail> {
    let text = match value {
        Value::Time(time) => date::format(time, date::RFC_3339),
        Value::Duration(nanos) => duration::format(*nanos),
        value => return write(machine, value, false),
    };
    machine.build_text(text.len())?;
    Ok(text)
}

/// `toJSON(value)`: indented, with the keys of maps in order.
pub(crate) fn json<'a>(machine: &mut Machine<'a>, value: &Value<'a>) -> Result<String, Fail> {
    write(machine, value, true)
}

/// A value in a message, at most [`MAX_QUOTE`] characters.
pub(crate) fn brief(value: &Value<'_>) -> String {
    let mut printer = Printer {
        out: String::new(),
        pretty: false,
        room: MAX_QUOTE * 4,
        pay: |_| Ok(()),
    };
    // Running out of room is expected: what was written is enough.
    let _ = printer.value(value, 0);
    crate::quote::abbreviate(&printer.out)
}

fn write<'a>(machine: &mut Machine<'a>, value: &Value<'a>, pretty: bool) -> Result<String, Fail> {
    let pay = |bytes: usize| machine.steps(bytes as u64);
    let mut printer = Printer {
        out: String::new(),
        pretty,
        room: usize::MAX,
        pay,
    };
    printer.value(value, 0)?;
    Ok(printer.out)
}

struct Printer<P> {
    out: String,
    pretty: bool,
    /// How many bytes may be written before it stops.
    room: usize,
    pay: P,
}

impl<P: FnMut(usize) -> Result<(), Fail>> Printer<P> {
    fn push(&mut self, text: &str) -> Result<(), Fail> {
        (self.pay)(text.len())?;
        if self.out.len() > self.room {
            return Err(Fail::Skip);
        }
        self.out.push_str(text);
        Ok(())
    }

    fn value(&mut self, value: &Value<'_>, depth: u32) -> Result<(), Fail> {
        match value {
            Value::Nil => self.push("null"),
            Value::Bool(b) => self.push(if *b { "true" } else { "false" }),
            Value::Int(i) => self.push(&i.to_string()),
            Value::Float(f) => self.push(&f.to_string()),
            Value::Str(text) => self.string(text),
            Value::Array(_) | Value::Map(_) if depth >= MAX_VALUE_DEPTH => {
                Err(Fail::fatal("a value is nested too deeply"))
            }
            Value::Array(seq) => {
                self.push("[")?;
                for (at, item) in seq.iter().enumerate() {
                    self.separate(at, depth + 1)?;
                    self.value(&item, depth + 1)?;
                }
                self.close(seq.len() == 0, "]", depth)
            }
            Value::Map(table) => {
                self.push("{")?;
                let mut entries: Vec<_> = table.iter().collect();
                (self.pay)(entries.len())?;
                entries.sort_by(|(a, _), (b, _)| a.as_str().cmp(&b.as_str()));
                for (at, (key, value)) in entries.iter().enumerate() {
                    self.separate(at, depth + 1)?;
                    match key {
                        Value::Str(key) => self.string(key)?,
                        key => self.string(&brief(key))?,
                    }
                    self.push(": ")?;
                    self.value(value, depth + 1)?;
                }
                self.close(table.len() == 0, "}", depth)
            }
            Value::Time(time) => self.string(&date::format(time, date::RFC_3339)),
            Value::Duration(nanos) if self.pretty => self.push(&nanos.to_string()),
            Value::Duration(nanos) => self.push(&duration::format(*nanos)),
            Value::Zone(zone) => self.string(zone.iana_name().unwrap_or("UTC")),
        }
    }

    fn separate(&mut self, at: usize, depth: u32) -> Result<(), Fail> {
        match (self.pretty, at) {
            (true, 0) => self.line(depth),
            (true, _) => {
                self.push(",")?;
                self.line(depth)
            }
            (false, 0) => Ok(()),
            (false, _) => self.push(", "),
        }
    }

    fn close(&mut self, empty: bool, bracket: &str, depth: u32) -> Result<(), Fail> {
        if self.pretty && !empty {
            self.line(depth)?;
        }
        self.push(bracket)
    }

    fn line(&mut self, depth: u32) -> Result<(), Fail> {
        self.push("\n")?;
        (0..depth).try_for_each(|_| self.push("  "))
    }

    fn string(&mut self, text: &str) -> Result<(), Fail> {
        self.push("\"")?;
        let mut plain = 0;
        for (at, c) in text.char_indices() {
            let escape = match c {
                '"' => "\\\"".to_owned(),
                '\\' => "\\\\".to_owned(),
                '\n' => "\\n".to_owned(),
                '\r' => "\\r".to_owned(),
                '\t' => "\\t".to_owned(),
                c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
                _ => {
                    // A long text stops early when there is no room for it.
                    if at > self.room {
                        break;
                    }
                    continue;
                }
            };
            self.push(text.get(plain..at).unwrap_or_default())?;
            self.push(&escape)?;
            plain = at + c.len_utf8();
        }
        let end = text.len().min(self.room.saturating_add(8)).max(plain);
        self.push(crate::quote::up_to(
            text.get(plain..).unwrap_or_default(),
            end - plain,
        ))?;
        self.push("\"")
    }
}
