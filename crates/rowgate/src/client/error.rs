//! What a server refuses, and when it cannot be asked.

use serde_json::Value;

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers there.
    #[error("no server answers at {url}: {message}")]
    Unreachable {
        /// Where.
        url: String,
        /// What went wrong.
        message: String,
    },
    /// Somebody answers there, in an unexpected way.
    #[error("{url} does not answer like a Rowgate server: {message}")]
    Strange {
        /// Where.
        url: String,
        /// What is unexpected.
        message: String,
    },
    /// The server refuses.
    #[error("{}", .0.text())]
    Refused(Box<Refused>),
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// The parameter it blames.
    pub parameter: Option<String>,
    /// For a schema: its errors, a line each.
    pub errors: Vec<String>,
    /// For a schema: the codes of its errors.
    pub error_codes: Vec<String>,
    /// For a document: what is wrong with which of its fields.
    pub fields: Vec<Blamed>,
}

/// What is wrong with a field of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blamed {
    /// Its path, such as `roles[2].slug`.
    pub field: String,
    /// The stable code.
    pub code: String,
    /// What is wrong.
    pub message: String,
}

impl Refused {
    fn text(&self) -> String {
        let mut text = match &self.parameter {
            Some(parameter) if !self.message.contains(parameter.as_str()) => {
                format!("{parameter}: {}", self.message)
            }
            _ => self.message.clone(),
        };
        if self.errors.len() > 1 {
            // They stand in the message, too, one after the other, which may leave out where each one's sentence ends.
            let first = self.errors.first().map(|first| first.trim_end_matches('.'));
            if let Some(at) = first.and_then(|first| text.find(first)) {
                text.truncate(at);
                text.truncate(text.trim_end().len());
            }
            for error in &self.errors {
                text.push_str("\n  ");
                text.push_str(error);
            }
        }
        text
    }
}

impl ClientError {
    pub(super) fn refused(status: u16, text: &str, url: &str) -> Self {
        let body: Value = serde_json::from_str(text).unwrap_or_default();
        let field = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(code), Some(message)) = (field("code"), field("message")) else {
            let message = format!("status {status} without the code of an error");
            return Self::Strange {
                url: url.to_owned(),
                message,
            };
        };
        let errors = || body.get("errors").and_then(Value::as_array).into_iter().flatten();
        let blamed = |error: &Value| {
            let text = |name: &str| error.get(name)?.as_str().map(str::to_owned);
            Some(Blamed {
                field: text("field")?,
                code: text("code")?,
                message: text("message")?,
            })
        };
        let fields = errors().filter_map(blamed).collect();
        let errors = errors().filter_map(|error| error.as_str().or_else(|| error.get("message")?.as_str()));
        let found = body
            .get("diagnostics")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let found =
            found.filter(|diagnostic| diagnostic.get("severity").and_then(Value::as_str) == Some("error"));
        let codes = found.filter_map(|diagnostic| diagnostic.get("code")?.as_str());
        Self::Refused(Box::new(Refused {
            status,
            code,
            message,
            parameter: field("parameter"),
            errors: errors.map(str::to_owned).collect(),
            error_codes: codes.map(str::to_owned).collect(),
            fields,
        }))
    }

    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unreachable { url, message }
                if url.starts_with("https://") && !message.contains("Connection refused") =>
            {
                let plain = url.replacen("https://", "http://", 1);
                Some(format!(
                    "Rowgate does not speak TLS itself: try {plain}, or the address of a proxy that does"
                ))
            }
            Self::Unreachable { .. } => {
                Some("start one with `rowgate serve` (or `rowgate demo`), or say where it is with --url or ROWGATE_URL".into())
            }
            Self::Strange { .. } => Some("check --url; it is the address of the server, without a path".into()),
            Self::Refused(refused) => match refused.status {
                401 => Some("check --api-key or ROWGATE_API_KEY, and that --url is the server it belongs to".into()),
                403 => Some("use a key of the environment `default`".into()),
                429 => Some("wait a little and try again".into()),
                _ => None,
            },
        }
    }

    /// Whether the thing that the request names is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(refused) if refused.status == 404)
    }
}
