//! An application in front of a real server: permissions that the token answers, and checks for the rest.
#![allow(clippy::unwrap_used)]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use rowgate_identity::app::{Caller, Check, IdentityLayer, Refusal, Rowgate};
use rowgate_identity::jwks::{Authorities, Fetcher};
use rowgate_identity::{Audiences, Issuer, Keys, Verifier};
use serde_json::{Value, json};
use support::{Served, parse};

const PROJECTS: &str = "
version 0.1
type user
type project
    relation viewer []
";

/// The file `f1` of organization `org_1` lies in project `p1`.
async fn read_file(caller: Caller, Path(id): Path<String>) -> Result<String, Refusal> {
    if id != "f1" {
        return Err(Refusal::Forbidden);
    }
    caller
        .require("project:view")
        .in_organization("org_1")
        .or_check(Check::new("project", "p1", "viewer"))
        .await?;
    Ok(format!("for {}", caller.subject()))
}

/// Projects are looked up within the caller's own organization.
async fn list_files(caller: Caller) -> String {
    caller
        .require("project:view")
        .in_own_organization()
        .answered_by_token()
        .to_string()
}

async fn greet(caller: Option<Caller>) -> String {
    caller.map_or("nobody".into(), |caller| caller.subject().to_owned())
}

/// The application, running until its runtime is dropped.
struct Application {
    address: SocketAddr,
    agent: ureq::Agent,
    _runtime: tokio::runtime::Runtime,
}

impl Application {
    fn start(server: &Served, rowgate: Rowgate) -> Self {
        let verifier = Verifier::new(Fetcher::new(Authorities::default()).unwrap());
        // As any verifier elsewhere would: the keys over HTTP.
        let jwks = format!("http://{}/sso/jwks/client_default", server.address);
        let audiences = Audiences::OneOf(vec!["client_default".into()]);
        let keys = Keys::Url(jwks.parse().unwrap());
        verifier
            .add(Issuer::new(
                "rowgate",
                "urn:rowgate:client_default",
                keys,
                audiences,
            ))
            .unwrap();
        let verifier = Arc::new(verifier);
        let required = IdentityLayer::required(Arc::clone(&verifier), rowgate.clone());
        let app = Router::new()
            .route("/files", get(list_files))
            .route("/files/{id}", get(read_file))
            .layer(required)
            .merge(
                Router::new()
                    .route("/hello", get(greet))
                    .layer(IdentityLayer::optional(verifier, rowgate)),
            )
            .route("/forgotten/{id}", get(read_file));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, app).await });
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        Self {
            address,
            agent,
            _runtime: runtime,
        }
    }

    fn get(&self, path: &str, token: Option<&str>) -> (u16, String) {
        let mut request = self.agent.get(format!("http://{}{path}", self.address));
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let mut answer = request.call().unwrap();
        (
            answer.status().as_u16(),
            answer.body_mut().read_to_string().unwrap(),
        )
    }
}

fn projects() -> Served {
    let server = Served::start();
    server.apply(PROJECTS);
    server
}

fn with_key(server: &Served) -> Rowgate {
    Rowgate::with_api_key(&format!("http://{}", server.address), &server.key).unwrap()
}

fn mint(server: &Served, request: Value) -> String {
    server.post("/rowgate/v1/tokens", request).ok()["token"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn checks(server: &Served) -> u64 {
    let metrics = server.send("GET", "/metrics", &[], None).text;
    let counts = metrics
        .lines()
        .filter(|line| line.starts_with("rowgate_checks_total{"));
    counts
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap())
        .sum()
}

#[test]
fn a_permission_in_the_token_answers_without_a_check() {
    let server = projects();
    let app = Application::start(&server, with_key(&server));
    let token = mint(
        &server,
        json!({"user": "ann", "organization": "org_1", "permissions": ["project:view"]}),
    );
    assert_eq!(app.get("/files/f1", Some(&token)), (200, "for ann".into()));
    assert_eq!(app.get("/files", Some(&token)), (200, "true".into()));
    assert_eq!(checks(&server), 0);
}

#[test]
fn a_permission_in_another_organization_answers_nothing() {
    let server = projects();
    let app = Application::start(&server, with_key(&server));
    let eve = mint(
        &server,
        json!({"user": "eve", "organization": "org_2", "permissions": ["project:view"]}),
    );
    assert_eq!(app.get("/files/f1", Some(&eve)).0, 403);
    let nowhere = mint(&server, json!({"user": "eve", "permissions": ["project:view"]}));
    assert_eq!(app.get("/files/f1", Some(&nowhere)).0, 403);
    assert_eq!(app.get("/files", Some(&nowhere)), (200, "false".into()));
    assert_eq!(checks(&server), 2);
}

#[test]
fn without_the_permission_the_resource_is_checked() {
    let server = projects();
    for rowgate in [
        with_key(&server),
        Rowgate::with_token_of_caller(&format!("http://{}", server.address)).unwrap(),
    ] {
        let app = Application::start(&server, rowgate);
        let bob = mint(
            &server,
            json!({"user": "bob", "organization": "org_1", "permissions": ["project:edit"]}),
        );
        assert_eq!(app.get("/files/f1", Some(&bob)).0, 403);
        server.grant("project:p1#viewer@user:bob");
        assert_eq!(app.get("/files/f1", Some(&bob)), (200, "for bob".into()));
        let mut warrant = parse("project:p1#viewer@user:bob");
        warrant["op"] = json!("delete");
        server.post("/fga/v1/warrants", warrant).ok();
    }
}

#[test]
fn no_answer_is_no_yes() {
    let mut server = projects();
    server.grant("project:p1#viewer@user:bob");
    let wrong_key = Rowgate::with_api_key(
        &format!("http://{}", server.address),
        "sk_some_other_key_of_nobody",
    )
    .unwrap();
    let app = Application::start(&server, wrong_key);
    let bob = mint(&server, json!({"user": "bob", "organization": "org_1"}));
    let (status, body) = app.get("/files/f1", Some(&bob));
    assert_eq!(status, 503);
    assert!(
        body.contains("check_unavailable") && !body.contains("sk_"),
        "{body}"
    );
    // The token is still verified when the server is gone, and what it answers alone goes on.
    let app = Application::start(&server, with_key(&server));
    let ann = mint(
        &server,
        json!({"user": "ann", "organization": "org_1", "permissions": ["project:view"]}),
    );
    assert_eq!(app.get("/files/f1", Some(&ann)).0, 200);
    server.stop();
    assert_eq!(app.get("/files/f1", Some(&ann)).0, 200);
    assert_eq!(app.get("/files/f1", Some(&bob)).0, 503);
}

#[test]
fn lets_nobody_through_without_a_token() {
    let server = projects();
    let app = Application::start(&server, with_key(&server));
    let token = mint(
        &server,
        json!({"user": "ann", "organization": "org_1", "permissions": ["project:view"]}),
    );
    let changed = format!("{token}A");
    for (path, token) in [
        ("/files/f1", None),
        ("/files/f1", Some("nonsense")),
        ("/files/f1", Some(changed.as_str())),
        ("/hello", Some("nonsense")),
        // A route that the layer was forgotten on.
        ("/forgotten/f1", Some(token.as_str())),
    ] {
        assert_eq!(app.get(path, token).0, 401, "{path}");
    }
    assert_eq!(app.get("/hello", None), (200, "nobody".into()));
    assert_eq!(app.get("/hello", Some(&token)), (200, "ann".into()));
    let (_, body) = app.get("/files/f1", Some("a.b.c"));
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&body["code"], &body["reason"]),
        (&json!("unauthorized"), &json!("token_malformed"))
    );
}
