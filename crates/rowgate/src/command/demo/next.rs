//! What to try next, to copy and paste.

use crate::failure::Result;
use crate::output;

/// Prints lines for a shell, with the address and the key in them.
pub(super) fn print(url: &str, key: &str) -> Result<()> {
    let expense = r#"{"user_attributes": {"approved_cost_centers": ["travel"]}, "expense_attributes": {"cost_center": "travel", "amount": 1200}}"#;
    let body = r#"{"checks": [{"resource_type": "ticket", "resource_id": "7", "relation": "viewer", "subject": {"resource_type": "user", "resource_id": "ann"}}]}"#;
    output::line(format!(
        "
{title}

  export ROWGATE_URL={url} ROWGATE_API_KEY={key}

  rowgate check user:ann viewer ticket:7 --debug
  rowgate warrant create user:ann assignee ticket:7
  rowgate query 'select ticket where user:ann is viewer'
  rowgate check user:mona approve expense:expense-1 '{expense}' --debug
  rowgate schema get

  curl {url}/fga/v1/check \\
    -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\
    -d '{body}'

  curl -G {url}/fga/v1/query -H 'Authorization: Bearer {key}' \\
    --data-urlencode 'q=select viewer of type user for ticket:7'
",
        title = output::bold("Try next, in another terminal")
    ))
}
