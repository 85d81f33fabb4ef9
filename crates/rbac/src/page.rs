//! Pages of lists in order of creation.

use std::cmp::Ordering;

use crate::key::Key;
use crate::{Error, Result};

/// Rows of a page when the request does not say.
pub const DEFAULT_LIMIT: usize = 10;

/// Most rows of a page.
pub const MAX_LIMIT: usize = 100;

/// Direction of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Oldest first.
    Asc,
    /// Newest first.
    #[default]
    Desc,
    /// Newest first, and the cursors mean the other side: `before` has what is older.
    Normal,
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Page {
    /// At most this many rows.
    pub limit: usize,
    /// Direction.
    pub order: Order,
    /// Where the page begins or ends.
    pub from: From,
}

/// Where a page begins or ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum From {
    /// It begins where the list does.
    #[default]
    Start,
    /// It begins after this place.
    After(Key),
    /// It ends before this place.
    Before(Key),
}

/// One page, and whether there are rows on either side of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// The rows, in the order asked for.
    pub rows: Vec<T>,
    /// There are rows before the first one.
    pub more_before: bool,
    /// There are rows after the last one.
    pub more_after: bool,
    /// The order was [`Order::Normal`].
    pub swapped: bool,
}

impl Page {
    /// From the parameters of a request.
    ///
    /// # Errors
    /// [`Error::Fields`]
    pub fn read(
        limit: Option<&str>,
        order: Option<&str>,
        after: Option<&str>,
        before: Option<&str>,
    ) -> Result<Self> {
        let limit = match limit {
            None => DEFAULT_LIMIT,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=MAX_LIMIT).contains(limit))
                .ok_or_else(|| {
                    Error::field(
                        "limit",
                        "invalid",
                        format!("limit must be a number from 1 to {MAX_LIMIT}"),
                    )
                })?,
        };
        let order = match order {
            None | Some("desc") => Order::Desc,
            Some("asc") => Order::Asc,
            Some("normal") => Order::Normal,
            Some(_) => {
                return Err(Error::field(
                    "order",
                    "invalid",
                    "order must be asc, desc or normal",
                ));
            }
        };
        let key = |field: &str, id: &str| {
            Key::of_id(id)
                .ok_or_else(|| Error::field(field, "invalid", format!("{field} is not the id of a row")))
        };
        let from = match (after, before) {
            (None, None) => From::Start,
            (Some(after), None) => From::After(key("after", after)?),
            (None, Some(before)) => From::Before(key("before", before)?),
            (Some(_), Some(_)) => {
                return Err(Error::field(
                    "before",
                    "mutually_exclusive",
                    "give after or before, not both",
                ));
            }
        };
        Ok(Self { limit, order, from })
    }

    /// The cursor in the direction in which rows are read: with [`Order::Normal`] it is the other one.
    pub(crate) fn plain_from(&self) -> From {
        match (self.order, self.from) {
            (Order::Normal, From::After(key)) => From::Before(key),
            (Order::Normal, From::Before(key)) => From::After(key),
            (_, from) => from,
        }
    }

    /// The part of a list, whose rows come in any order, with the time of each. `key` is only asked where times do not settle it.
    pub fn of<T>(&self, rows: impl IntoIterator<Item = (i64, T)>, key: impl Fn(&T) -> Key) -> Listed<T> {
        let ascending = self.order == Order::Asc;
        let directed = |ordering: Ordering| if ascending { ordering } else { ordering.reverse() };
        let compare =
            |a: &(i64, T), b: &(i64, T)| directed(a.0.cmp(&b.0).then_with(|| key(&a.1).cmp(&key(&b.1))));
        let against = |row: &(i64, T), cursor: Key| {
            directed(row.0.cmp(&cursor.at()).then_with(|| key(&row.1).cmp(&cursor)))
        };
        let from = self.plain_from();
        let backwards = matches!(from, From::Before(_));
        let towards = |a: &(i64, T), b: &(i64, T)| if backwards { compare(b, a) } else { compare(a, b) };
        let (mut left_out, mut more) = (false, false);
        // However long the list, a page is made of a few times its rows.
        let mut nearest: Vec<(i64, T)> = Vec::new();
        let room = 4 * self.limit.max(16);
        for row in rows {
            let fits = match from {
                From::Start => true,
                From::After(cursor) => against(&row, cursor).is_gt(),
                From::Before(cursor) => against(&row, cursor).is_lt(),
            };
            if !fits {
                left_out = true;
                continue;
            }
            nearest.push(row);
            if nearest.len() == room {
                more |= keep_nearest(&mut nearest, self.limit, towards);
            }
        }
        more |= keep_nearest(&mut nearest, self.limit, towards);
        let mut rows = nearest;
        rows.sort_unstable_by(compare);
        Listed {
            rows: rows.into_iter().map(|(_, row)| row).collect(),
            more_before: if backwards { more } else { left_out },
            more_after: if backwards { left_out } else { more },
            swapped: self.order == Order::Normal,
        }
    }
}

/// Keeps so many rows, those that come first. Returns whether there were more.
fn keep_nearest<T>(rows: &mut Vec<T>, most: usize, compare: impl Fn(&T, &T) -> Ordering) -> bool {
    let more = rows.len() > most;
    if more {
        rows.select_nth_unstable_by(most, compare);
        rows.truncate(most);
    }
    more
}

impl<T> Listed<T> {
    /// The same page with other rows.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Listed<U> {
        Listed {
            rows: self.rows.into_iter().map(change).collect(),
            more_before: self.more_before,
            more_after: self.more_after,
            swapped: self.swapped,
        }
    }

    /// The ids to give as `before` and `after` for the pages on either side.
    pub fn cursors(&self, id: impl Fn(&T) -> String) -> (Option<String>, Option<String>) {
        let first = self.rows.first().filter(|_| self.more_before).map(&id);
        let last = self.rows.last().filter(|_| self.more_after).map(&id);
        if self.swapped {
            (last, first)
        } else {
            (first, last)
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rows() -> Vec<(i64, i64)> {
        // Two of the same time.
        [30, 10, 20, 20, 50]
            .into_iter()
            .enumerate()
            .map(|(n, at)| (at, at * 10 + n as i64))
            .collect()
    }

    fn key(row: &i64) -> Key {
        Key::derived(row / 10, &[&row.to_string()])
    }

    fn walk(order: Order) -> Vec<i64> {
        let mut page = Page {
            limit: 2,
            order,
            from: From::Start,
        };
        let mut seen = Vec::new();
        loop {
            let listed = page.of(rows(), key);
            assert_eq!(listed.more_before, page.from != From::Start);
            seen.extend(&listed.rows);
            let (before, after) = listed.cursors(|row| key(row).id("x"));
            let next = if order == Order::Normal { before } else { after };
            let Some(next) = next else { return seen };
            let cursor = Key::of_id(&next).unwrap();
            page.from = if order == Order::Normal {
                From::Before(cursor)
            } else {
                From::After(cursor)
            };
        }
    }

    #[test]
    fn pages_cover_the_list_in_either_direction() {
        let ascending = walk(Order::Asc);
        assert_eq!(ascending.len(), 5);
        assert!(ascending.windows(2).all(|pair| key(&pair[0]) < key(&pair[1])));
        let descending: Vec<i64> = ascending.iter().rev().copied().collect();
        assert_eq!(walk(Order::Desc), descending);
        assert_eq!(walk(Order::Normal), descending);
    }

    #[test]
    fn a_page_of_a_long_list_is_that_of_the_sorted_one() {
        // In no order, and five of each time.
        let rows = || {
            (0..5_000_i64).map(|n| {
                let at = n * 7_919 % 1_000;
                (at, at * 10 + n / 1_000)
            })
        };
        let mut sorted: Vec<(i64, i64)> = rows().collect();
        sorted.sort_unstable_by_key(|(at, row)| (*at, key(row)));
        let sorted: Vec<i64> = sorted.into_iter().map(|(_, row)| row).collect();
        for from in [
            From::Start,
            From::After(key(&sorted[2_000])),
            From::Before(key(&sorted[2_000])),
        ] {
            let page = Page {
                limit: 30,
                order: Order::Asc,
                from,
            };
            let listed = page.of(rows(), key);
            let keys: Vec<Key> = listed.rows.iter().map(key).collect();
            let all: Vec<Key> = sorted.iter().map(key).collect();
            let wanted = match from {
                From::Start => all[..30].to_vec(),
                From::After(cursor) => all
                    .iter()
                    .filter(|key| **key > cursor)
                    .take(30)
                    .copied()
                    .collect(),
                From::Before(cursor) => {
                    let before: Vec<Key> = all.iter().filter(|key| **key < cursor).copied().collect();
                    before[before.len() - 30..].to_vec()
                }
            };
            assert_eq!(keys, wanted, "{from:?}");
            assert_eq!(
                (listed.more_before, listed.more_after),
                (from != From::Start, true)
            );
        }
    }

    #[test]
    fn before_gives_the_rows_nearest_to_the_cursor() {
        let all = walk(Order::Asc);
        let page = Page {
            limit: 2,
            order: Order::Asc,
            from: From::Before(key(&all[4])),
        };
        let listed = page.of(rows(), key);
        assert_eq!(listed.rows, all[2..4]);
        assert!(listed.more_before && listed.more_after);
    }

    #[test]
    fn a_cursor_of_something_deleted_still_names_a_place() {
        let page = Page {
            limit: 10,
            order: Order::Asc,
            from: From::After(Key::derived(25, &["gone"])),
        };
        assert_eq!(page.of(rows(), key).rows.len(), 2);
    }
}
