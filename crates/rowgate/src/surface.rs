//! Scenarios over HTTP.

use rowgate_scenario::notation::{Object, Warrant};
use rowgate_scenario::scenario::{Check, JsonObject, Order, Query, Resource, Value as Answered};
use rowgate_scenario::surface::{Answer, Refusal, Row, Rows, Surface, SurfaceError};
use rowgate_scenario::tree::Node;
use serde_json::{Value, json};

use crate::client::pages::{Order as PageOrder, Page, rows};
use crate::client::{Ask, Client, ClientError};
use crate::input::{tuple_json, warrant_text};

/// An environment of a server.
#[derive(Debug)]
pub struct HttpSurface {
    client: Client,
}

impl HttpSurface {
    /// The environment that a client's key opens.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    fn write(&self, path: &[&str], body: &Value) -> Result<(), SurfaceError> {
        self.client
            .post(&Ask {
                path,
                body: Some(body),
                ..Ask::default()
            })
            .map(|_| ())
            .map_err(failed)
    }

    fn warrants(&self, op: &str, warrants: &[Warrant]) -> Result<(), SurfaceError> {
        let one = |warrant: &Warrant| {
            let mut body = tuple_json(&warrant.tuple);
            body.insert("op".into(), op.into());
            if let Some(policy) = &warrant.policy {
                body.insert("policy".into(), policy.clone().into());
            }
            Value::Object(body)
        };
        self.write(&["fga", "v1", "warrants"], &warrants.iter().map(one).collect())
    }

    fn ask(&self, check: &Check, debug: bool) -> Result<Value, SurfaceError> {
        let mut one = tuple_json(&check.tuple);
        one.insert("context".into(), check.context.clone().into());
        let body = json!({"checks": [one], "debug": debug});
        let path: &[&str] = &["fga", "v1", "check"];
        let ask = Ask {
            path,
            body: Some(&body),
            ..Ask::default()
        };
        let answer = match &check.claims {
            None => self.client.post(&ask),
            Some(claims) => self
                .client
                .with_credential(&self.token(check, claims)?)
                .post(&ask),
        };
        answer.map_err(failed)
    }

    /// A token of the user who asks, with these claims.
    fn token(&self, check: &Check, claims: &JsonObject) -> Result<String, SurfaceError> {
        let mut claims = claims.clone();
        // Claims that the issuer has fields for.
        let mut body = json!({"user": check.tuple.subject.object.id});
        for (claim, field) in [
            ("org_id", "organization"),
            ("sid", "session"),
            ("roles", "roles"),
            ("permissions", "permissions"),
        ] {
            if let Some(value) = claims.remove(claim) {
                body[field] = value;
            }
        }
        body["claims"] = claims.into();
        let path: &[&str] = &["rowgate", "v1", "tokens"];
        let minted = self.client.post(&Ask {
            path,
            body: Some(&body),
            ..Ask::default()
        });
        let minted = minted.map_err(failed)?;
        let token = minted.get("token").and_then(Value::as_str);
        token.map(str::to_owned).ok_or_else(|| strange("token"))
    }
}

fn failed(error: ClientError) -> SurfaceError {
    match error {
        ClientError::Refused(refused) if refused.status < 500 && refused.status != 401 => {
            let mut codes = refused
                .error_codes
                .into_iter()
                .map(Some)
                .chain(std::iter::repeat(None));
            let errors = refused
                .errors
                .into_iter()
                .map(|message| (codes.next().flatten(), message))
                .collect();
            let (code, parameter, message) = (refused.code, refused.parameter, refused.message);
            SurfaceError::Refused(Refusal {
                code,
                parameter,
                message,
                errors,
            })
        }
        other => SurfaceError::Broken(other.to_string()),
    }
}

fn strange(what: &str) -> SurfaceError {
    SurfaceError::Broken(format!("the server's answer has no {what}"))
}

/// The keys of the warnings of an answer, and whether there is one about missing context.
fn missing(answer: &Value) -> (bool, Vec<String>) {
    let warnings = answer
        .get("warnings")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let missing: Vec<&Value> = warnings
        .filter(|warning| warning.get("code").and_then(Value::as_str) == Some("missing_context_keys"))
        .collect();
    let keys = missing
        .iter()
        .filter_map(|warning| warning.get("keys")?.as_array())
        .flatten();
    let mut keys: Vec<String> = keys.filter_map(Value::as_str).map(str::to_owned).collect();
    keys.sort();
    keys.dedup();
    (!missing.is_empty(), keys)
}

impl Surface for HttpSurface {
    fn apply_schema(&mut self, text: &str) -> Result<(), SurfaceError> {
        let path: &[&str] = &["fga", "v1", "schemas", "convert"];
        let bytes = text.as_bytes().to_vec();
        let json = self
            .client
            .post_text(
                &Ask {
                    path,
                    ..Ask::default()
                },
                "text/plain",
                bytes,
            )
            .map_err(failed)?;
        self.write(&["fga", "v1", "schema"], &json)
    }

    fn create_resources(&mut self, resources: &[Resource]) -> Result<(), SurfaceError> {
        let one = |resource: &Resource| {
            let mut body = object_json(&resource.object);
            if let Some(meta) = &resource.meta {
                body["meta"] = meta.clone().into();
            }
            body
        };
        let body = json!({"op": "create", "resources": resources.iter().map(one).collect::<Vec<_>>()});
        self.write(&["fga", "v1", "resources", "batch"], &body)
    }

    fn delete_resources(&mut self, resources: &[Object]) -> Result<(), SurfaceError> {
        let body =
            json!({"op": "delete", "resources": resources.iter().map(object_json).collect::<Vec<_>>()});
        self.write(&["fga", "v1", "resources", "batch"], &body)
    }

    fn create_warrants(&mut self, warrants: &[Warrant]) -> Result<(), SurfaceError> {
        self.warrants("create", warrants)
    }

    fn delete_warrants(&mut self, warrants: &[Warrant]) -> Result<(), SurfaceError> {
        self.warrants("delete", warrants)
    }

    fn check(&mut self, check: &Check) -> Result<Answer, SurfaceError> {
        let answer = self.ask(check, false)?;
        let (unknown, missing) = missing(&answer);
        let value = match answer.get("result").and_then(Value::as_str) {
            Some("authorized") => Answered::True,
            Some("not_authorized") if unknown => Answered::Unknown,
            Some("not_authorized") => Answered::False,
            _ => return Err(strange("result")),
        };
        let implicit = answer
            .get("is_implicit")
            .and_then(Value::as_bool)
            .ok_or_else(|| strange("is_implicit"))?;
        Ok(Answer {
            value,
            implicit,
            missing,
        })
    }

    fn explain(&mut self, check: &Check) -> Result<Option<Node>, SurfaceError> {
        if check.claims.is_some() {
            // A decision tree names others; a user's token does not show it.
            return Ok(None);
        }
        let answer = self.ask(check, true)?;
        let root = answer
            .get("debug_info")
            .and_then(|debug| debug.get("explanation")?.get("root"));
        root.and_then(Node::from_json)
            .map(Some)
            .ok_or_else(|| strange("explanation"))
    }

    fn query(&mut self, query: &Query) -> Result<Rows, SurfaceError> {
        let context = Value::Object(query.context.clone()).to_string();
        let params = [("q", query.text.as_str()), ("context", context.as_str())];
        let order = query.order.map(|order| match order {
            Order::Asc => PageOrder::Asc,
            Order::Desc => PageOrder::Desc,
        });
        let limit = query
            .page
            .map(|page| u16::try_from(page).unwrap_or(100).clamp(1, 100));
        let page = Page {
            order,
            limit,
            ..Page::everything()
        };
        let ask = Ask {
            path: &["fga", "v1", "query"],
            query: &params,
            ..Ask::default()
        };
        let answer = self.client.list(&ask, &page).map_err(failed)?;
        let rows = rows(&answer)
            .iter()
            .map(row)
            .collect::<Option<Vec<Row>>>()
            .ok_or_else(|| strange("rows"))?;
        Ok(Rows {
            rows,
            missing: missing(&answer).1,
        })
    }
}

fn object_json(object: &Object) -> Value {
    json!({"resource_type": object.resource_type, "resource_id": object.id})
}

fn row(row: &Value) -> Option<Row> {
    let text = |name: &str| Some(row.get(name)?.as_str()?.to_owned());
    Some(Row {
        object: Object {
            resource_type: text("resource_type")?,
            id: text("resource_id")?,
        },
        relation: text("relation")?,
        implicit: row.get("is_implicit")?.as_bool()?,
        warrant: warrant_text(row.get("warrant")?).parse().ok(),
    })
}
