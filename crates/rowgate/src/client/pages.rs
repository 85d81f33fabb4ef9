//! Lists, page by page.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{Ask, Client, ClientError};

/// Direction of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Order {
    /// Smallest or oldest first.
    Asc,
    /// Greatest or newest first.
    Desc,
}

impl Order {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Asc => "asc",
            Self::Desc => "desc",
        }
    }
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Args)]
pub struct Page {
    /// At most this many rows to a page, 1 to 100 [default: 10; 100 with --all]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=100), value_name = "N")]
    pub limit: Option<u16>,
    /// The page that ends before this cursor
    #[arg(long, value_name = "CURSOR", conflicts_with_all = ["after", "all"])]
    pub before: Option<String>,
    /// The page that begins after this cursor
    #[arg(long, value_name = "CURSOR", conflicts_with = "all")]
    pub after: Option<String>,
    /// In which order
    #[arg(long, value_enum)]
    pub order: Option<Order>,
    /// All rows, however many pages they are
    #[arg(long)]
    pub all: bool,
}

impl Page {
    /// All rows in the server's own order.
    pub fn everything() -> Self {
        Self {
            limit: None,
            before: None,
            after: None,
            order: None,
            all: true,
        }
    }
}

impl Client {
    /// A page of a list, or all of it, in the form of the server's answer. Warnings of all pages come together.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn list(&self, ask: &Ask<'_>, page: &Page) -> Result<Value, ClientError> {
        let limit = page.limit.unwrap_or(if page.all { 100 } else { 10 }).to_string();
        let order = page.order.map_or("", Order::word);
        let mut after = page.after.clone().unwrap_or_default();
        let mut whole: Option<Value> = None;
        loop {
            let mut query = ask.query.to_vec();
            query.extend([
                ("limit", limit.as_str()),
                ("order", order),
                ("after", after.as_str()),
            ]);
            query.push(("before", page.before.as_deref().unwrap_or_default()));
            let mut answer = self.get(&Ask {
                query: &query,
                ..Ask {
                    path: ask.path,
                    token: ask.token,
                    ..Ask::default()
                }
            })?;
            let next = cursor(&answer, "after").map(str::to_owned);
            let next = next.filter(|next| page.all && *next != after);
            if let Some(mut whole) = whole.take() {
                append(&mut whole, &mut answer, "data");
                append(&mut whole, &mut answer, "warnings");
                answer = whole;
            }
            match next {
                Some(next) => {
                    after = next;
                    whole = Some(answer);
                }
                None => {
                    if page.all {
                        answer["list_metadata"] = json!({"before": null, "after": null});
                    }
                    return Ok(answer);
                }
            }
        }
    }
}

fn append(whole: &mut Value, more: &mut Value, field: &str) {
    let Some(Value::Array(more)) = more.get_mut(field) else {
        return;
    };
    match whole.get_mut(field) {
        Some(Value::Array(rows)) => rows.append(more),
        _ => whole[field] = Value::Array(std::mem::take(more)),
    }
}

/// A cursor of a page, if there is one.
pub(crate) fn cursor<'a>(answer: &'a Value, name: &str) -> Option<&'a str> {
    answer
        .get("list_metadata")?
        .get(name)?
        .as_str()
        .filter(|cursor| !cursor.is_empty())
}

/// The rows of a page.
pub(crate) fn rows(answer: &Value) -> &[Value] {
    answer
        .get("data")
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
