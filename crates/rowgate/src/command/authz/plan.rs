//! Plans: what is or would be changed.

use serde_json::Value;

use crate::failure::Result;
use crate::output;

/// Prints the lines of a plan and returns how many of them change something.
pub(super) fn print(answer: &Value) -> Result<usize> {
    let steps = answer.get("plan").and_then(Value::as_array);
    let mut count = 0;
    for step in steps.into_iter().flatten() {
        let field = |name| output::tame(output::field(step, name));
        let sign = match field("action").as_str() {
            "create" => '+',
            "delete" => '-',
            "update" => '~',
            _ => ' ',
        };
        count += usize::from(sign != ' ');
        let line = format!("{sign} {} {}  {}", field("kind"), field("slug"), field("detail"));
        output::line(line.trim_end())?;
    }
    Ok(count)
}

/// Says how many changes there were.
pub(super) fn conclude(count: usize, planned: bool) -> Result<()> {
    let changes = if count == 1 { "change" } else { "changes" };
    if planned {
        output::line(format!("{count} {changes} planned; nothing was changed"))
    } else {
        output::line(format!("✔ {count} {changes} applied"))
    }
}
