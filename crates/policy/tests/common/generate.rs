//! Well-formed conditions from bytes: each byte is a choice, so that a failing one shrinks to the simplest.

use serde_json::{Value, json};

/// The variables, two of each kind.
pub const KEYS: [&str; 10] = ["n1", "n2", "t1", "t2", "b1", "b2", "l1", "l2", "m1", "m2"];

/// A value for a key: of the kind its first letter says, and now and then of another.
pub fn value(key: &str, seed: u8) -> Value {
    let of_kind = match key.as_bytes()[0] {
        b'n' => [
            json!(0),
            json!(1),
            json!(2),
            json!(-1),
            json!(1.5),
            json!(2.0),
            json!(3),
        ],
        b't' => [
            json!(""),
            json!("a"),
            json!("b"),
            json!("ab"),
            json!("("),
            json!("2"),
            json!("ba"),
        ],
        b'b' => [
            json!(true),
            json!(false),
            json!(true),
            json!(false),
            json!(true),
            json!(false),
            json!(true),
        ],
        b'l' => [
            json!([]),
            json!([1]),
            json!([1, 2]),
            json!(["a", "b"]),
            json!([1, "a"]),
            json!([true]),
            json!([{"k": 1}]),
        ],
        _ => [
            json!({}),
            json!({"k": 1}),
            json!({"k": 2, "s": "a"}),
            json!({"b": true, "k": null}),
            json!({"b": false, "l": [1]}),
            json!({"k": 1, "s": "ab", "b": true, "l": [2]}),
            json!({"k": "a", "b": 1}),
        ],
    };
    let strange = [
        json!(null),
        json!(1),
        json!("a"),
        json!(true),
        json!([1]),
        json!({"k": 1}),
    ];
    match seed {
        0..200 => of_kind[usize::from(seed) % of_kind.len()].clone(),
        _ => strange[usize::from(seed) % strange.len()].clone(),
    }
}

/// A condition without the operators that handle absence in the open.
pub fn condition(choices: &[u8]) -> String {
    Generator {
        choices,
        at: 0,
        predicates: 0,
        locals: 0,
    }
    .condition(4)
}

struct Generator<'c> {
    choices: &'c [u8],
    at: usize,
    predicates: u32,
    locals: u32,
}

impl Generator<'_> {
    /// One of `count`, the first when the choices have run out.
    fn choose(&mut self, count: u8) -> u8 {
        let choice = self.choices.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        choice % count
    }

    fn one_of(&mut self, options: &[&str]) -> String {
        let count = u8::try_from(options.len()).unwrap_or(u8::MAX);
        options[usize::from(self.choose(count))].to_owned()
    }

    fn condition(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self.one_of(&["b1", "b2", "true", "false", "m1.b", "m2.b"]);
        }
        let depth = depth - 1;
        match self.choose(20) {
            0 => self.one_of(&["b1", "b2"]),
            1 | 2 => {
                let (a, b) = (self.number(depth), self.number(depth));
                let op = self.one_of(&["==", "!=", "<", ">", "<=", ">="]);
                format!("{a} {op} {b}")
            }
            3 => {
                let (a, b) = (self.text(depth), self.text(depth));
                let op = self.one_of(&[
                    "==",
                    "!=",
                    "<",
                    ">=",
                    "contains",
                    "not contains",
                    "startsWith",
                    "not endsWith",
                    "matches",
                    "not matches",
                ]);
                format!("{a} {op} {b}")
            }
            4 => {
                let (a, b) = (self.list(depth), self.list(depth));
                format!("{a} {} {b}", self.one_of(&["==", "!="]))
            }
            5 | 6 => {
                let a = if self.choose(2) == 0 {
                    self.number(depth)
                } else {
                    self.text(depth)
                };
                let b = self.list(depth);
                format!("{a} {} {b}", self.one_of(&["in", "not in"]))
            }
            7 => format!("not ({})", self.condition(depth)),
            8..12 => format!("({}) && ({})", self.condition(depth), self.condition(depth)),
            12..16 => format!("({}) || ({})", self.condition(depth), self.condition(depth)),
            16 => {
                format!(
                    "({}) ? ({}) : ({})",
                    self.condition(depth),
                    self.condition(depth),
                    self.condition(depth)
                )
            }
            17 => {
                self.locals += 1;
                let name = format!("v{}", self.locals);
                let bound = self.condition(depth);
                let (body, op) = (self.condition(depth), self.one_of(&["&&", "||", "!=", "=="]));
                format!("(let {name} = ({bound}); {name} {op} ({body}))")
            }
            18 => {
                let function = self.one_of(&["any", "all", "none", "one"]);
                let list = self.list(depth);
                format!("{function}({list}, {})", self.predicate(depth))
            }
            _ => {
                let part = self.one_of(&["hasPrefix", "hasSuffix"]);
                format!("{part}({}, {})", self.text(depth), self.text(depth))
            }
        }
    }

    fn predicate(&mut self, depth: u32) -> String {
        self.predicates += 1;
        let body = self.condition(depth);
        self.predicates -= 1;
        match self.choose(4) {
            0 => body,
            1 => format!("({body}) || # == 1"),
            2 => format!("({body}) && # != \"a\""),
            _ => format!("{{#index < 1 || ({body})}}"),
        }
    }

    fn number(&mut self, depth: u32) -> String {
        if depth == 0 || self.choose(3) == 0 {
            let inside = self.predicates > 0 && self.choose(3) == 0;
            return if inside {
                "#".to_owned()
            } else {
                self.one_of(&["n1", "n2", "1", "2", "m1.k", "m2.k", "l1[0]"])
            };
        }
        let depth = depth - 1;
        match self.choose(7) {
            0 | 1 => {
                let op = self.one_of(&["+", "-", "*", "%", "/"]);
                let (a, b) = (self.number(depth), self.number(depth));
                // `/` gives a float, of which `%` is refused.
                if op == "%" {
                    format!("(int({a}) % int({b}))")
                } else {
                    format!("({a} {op} {b})")
                }
            }
            2 => format!(
                "len({})",
                if self.choose(2) == 0 {
                    self.list(depth)
                } else {
                    self.text(depth)
                }
            ),
            3 => format!(
                "{}({})",
                self.one_of(&["max", "min", "abs", "int"]),
                self.number(depth)
            ),
            4 => format!(
                "{}({})",
                self.one_of(&["sum", "max", "min", "mean", "first", "last"]),
                self.list(depth)
            ),
            5 => format!("count({}, {})", self.list(depth), self.predicate(depth)),
            _ => format!(
                "(({}) ? {} : {})",
                self.condition(depth),
                self.number(depth),
                self.number(depth)
            ),
        }
    }

    fn text(&mut self, depth: u32) -> String {
        if depth == 0 || self.choose(3) == 0 {
            return self.one_of(&["t1", "t2", "\"a\"", "\"b\"", "m1.s", "m2.s", "\"\""]);
        }
        let depth = depth - 1;
        match self.choose(5) {
            0 => format!("({} + {})", self.text(depth), self.text(depth)),
            1 => format!(
                "{}({})",
                self.one_of(&["upper", "lower", "trim", "type", "toBase64"]),
                self.text(depth)
            ),
            2 => format!("string({})", self.number(depth)),
            3 => format!("join({}, {})", self.list(depth), self.text(depth)),
            _ => format!(
                "(({}) ? {} : {})",
                self.condition(depth),
                self.text(depth),
                self.text(depth)
            ),
        }
    }

    fn list(&mut self, depth: u32) -> String {
        if depth == 0 || self.choose(3) == 0 {
            return self.one_of(&["l1", "l2", "[1, 2]", "[\"a\"]", "m1.l", "1..3", "[]"]);
        }
        let depth = depth - 1;
        match self.choose(8) {
            0 => format!("[{}, {}]", self.number(depth), self.number(depth)),
            1 => format!("[{}, {}]", self.text(depth), self.text(depth)),
            2 => format!("filter({}, {})", self.list(depth), self.predicate(depth)),
            3 => format!("map({}, {})", self.list(depth), self.number(depth)),
            4 => format!(
                "{}({})",
                self.one_of(&["sort", "uniq", "reverse", "flatten"]),
                self.list(depth)
            ),
            5 => format!("concat({}, {})", self.list(depth), self.list(depth)),
            6 => format!("split({}, {})", self.text(depth), self.text(depth)),
            _ => format!("values({{a: {}, b: {}}})", self.number(depth), self.text(depth)),
        }
    }
}
