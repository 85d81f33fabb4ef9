//! A database that is set up, a gateway before it, and requests as a driver makes them.
#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rowgate_pgtest::{Cluster, Database, Options, Version};
use rowgate_sql::{Authenticate, Authenticated, Claims, Config, Gateway, Target, router};
use rowgate_store::postgres::install::{ClientRole, Grants, install};
use serde_json::{Value, json};

/// The table of the tests: a row for each of two users.
const NOTES: &str = "create table note (id bigint generated always as identity primary key,
        owner text not null default auth.user_id(), body text not null);
    alter table note enable row level security;
    create policy own on note to authenticated using ((select auth.user_id()) = owner) with check ((select auth.user_id()) = owner);
    create policy shown on note for select to anonymous using (body like 'public%');
    insert into note (owner, body) values ('ann', 'of ann'), ('bob', 'of bob'), ('bob', 'public of bob');";

/// A database with client roles and notes.
pub fn set_up(database: &Database, sessions: i32) {
    set_up_again(database, sessions);
    let mut admin = database.client();
    admin.batch_execute(NOTES).unwrap();
}

/// As an operator installs again.
pub fn set_up_again(database: &Database, sessions: i32) {
    let client = |name: &str| ClientRole {
        name: name.into(),
        sessions,
        schemas: vec!["public".into()],
    };
    let grants = Grants {
        clients: vec![client("authenticated"), client("anonymous")],
        ..Grants::default()
    };
    // Roles belong to the whole server, and tests run at the same time.
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let turn = ONE_AT_A_TIME
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    install(database.url(), &grants).unwrap();
    drop(turn);
}

/// Tokens of the tests: `sub` in clear text, and behind a `#` what makes it another token of the same user. Verifying signatures is the business
/// of another crate.
#[derive(Default)]
pub struct Tokens {
    /// Those that are taken no more.
    revoked: Mutex<HashSet<String>>,
    /// When tokens end, but for those that end in five minutes.
    ends: Mutex<HashMap<String, SystemTime>>,
}

impl Authenticate for Tokens {
    fn authenticate<'a>(&'a self, token: &'a str, role: &'a str) -> Authenticated<'a> {
        Box::pin(async move {
            if token == "shared" {
                return Ok(Claims {
                    json: json!({"role": "member"}).to_string().into(),
                    subject: None,
                    expires: None,
                });
            }
            if token == "expired" {
                return Ok(Claims {
                    json: json!({"sub": "ann"}).to_string().into(),
                    subject: Some("ann".into()),
                    expires: Some(SystemTime::now() - Duration::from_secs(120)),
                });
            }
            if token == "bad" || role == "owner" || self.revoked.lock().unwrap().contains(token) {
                return Err("the token is not valid".into());
            }
            let user = token.split_once('#').map_or(token, |(user, _)| user);
            let end = self.ends.lock().unwrap().get(token).copied();
            Ok(Claims {
                json: json!({"sub": user, "role": "member"}).to_string().into(),
                subject: Some(user.to_owned()),
                expires: Some(end.unwrap_or(SystemTime::now() + Duration::from_secs(300))),
            })
        })
    }
}

/// A gateway that listens.
pub struct Server {
    pub address: SocketAddr,
    pub database: Database,
    gateway: Arc<Gateway>,
    tokens: Arc<Tokens>,
    is_warmed: bool,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Server {
    pub fn start(version: Version) -> Self {
        Self::with(Cluster::shared(version), 8, |_| {})
    }

    pub fn with(cluster: &Cluster, sessions: i32, change: impl FnOnce(&mut Config)) -> Self {
        Self::prepared(cluster, sessions, |_| {}, change)
    }

    /// Before a database in which something was done before Rowgate was installed.
    pub fn prepared(
        cluster: &Cluster,
        sessions: i32,
        prepare: impl FnOnce(&Database),
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let database = cluster.database("sql");
        prepare(&database);
        set_up(&database, sessions);
        let mut config = Config::new(database.url().parse().unwrap());
        change(&mut config);
        let server = Self::serve(database, config);
        server.check().unwrap();
        server
    }

    /// Before a database that may not be reached by what the URL says.
    pub fn unchecked(
        cluster: &Cluster,
        sessions: i32,
        finish: impl FnOnce(&Database),
        url: impl FnOnce(&Database) -> String,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let database = cluster.database("sql");
        set_up(&database, sessions);
        finish(&database);
        let target: Target = url(&database).parse().unwrap();
        let mut config = Config::new(target);
        change(&mut config);
        Self::serve(database, config)
    }

    /// Why there is no gateway for a URL.
    pub fn refused(url: &str) -> String {
        let config = Config::new(url.parse().unwrap());
        let tokens = Arc::new(Tokens::default());
        Gateway::new(config, tokens).unwrap_err().to_string()
    }

    fn serve(database: Database, mut config: Config) -> Self {
        config.anonymous = true;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let tokens = Arc::new(Tokens::default());
        let verifier = Arc::clone(&tokens) as Arc<dyn Authenticate>;
        let (address, gateway) = runtime.block_on(async {
            let gateway = Gateway::new(config, verifier).unwrap();
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let router = router(Arc::clone(&gateway));
            tokio::spawn(async move { axum::serve(listener, router).await });
            (address, gateway)
        });
        Self {
            address,
            database,
            gateway,
            tokens,
            is_warmed: false,
            runtime: Some(runtime),
        }
    }

    fn check(&self) -> Result<(), rowgate_sql::GatewayError> {
        let runtime = self.runtime.as_ref().unwrap();
        runtime.block_on(self.gateway.check())
    }

    /// Before each request of a token come others of it, so that it finds a session that was kept for it.
    pub fn warmed(mut self) -> Self {
        self.is_warmed = true;
        self
    }

    /// From now on the token is not valid.
    pub fn revoke(&self, token: &str) {
        self.tokens.revoked.lock().unwrap().insert(token.to_owned());
    }

    /// The token ended two minutes ago, which only Postgres notices.
    pub fn expire(&self, token: &str) {
        let end = SystemTime::now() - Duration::from_secs(120);
        self.tokens.ends.lock().unwrap().insert(token.to_owned(), end);
    }

    /// A line of `/metrics`: what stands behind its name.
    pub fn metric(&self, name: &str) -> u64 {
        let mut text = String::new();
        self.gateway.write_metrics(&mut text).unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in\n{text}"))
            .parse()
            .unwrap()
    }

    /// A request, with the headers that drivers send.
    pub fn request(&self, role: &str, token: Option<&str>) -> Request {
        Request {
            url: format!("http://{}/sql", self.address),
            connection: format!(
                "postgres://{role}@db.example.com/{}?application_name=test",
                self.database.name()
            ),
            headers: HashMap::new(),
            token: token.map(str::to_owned),
            is_warmed: self.is_warmed,
        }
    }

    /// SQL of a signed-in user.
    pub fn ask(&self, user: &str, sql: &str) -> Answer {
        self.request("authenticated", Some(user)).query(sql, &[])
    }

    /// The rows of a signed-in user's query, as text.
    pub fn rows(&self, user: &str, sql: &str) -> Value {
        let answer = self
            .request("authenticated", Some(user))
            .arrays()
            .raw()
            .query(sql, &[]);
        assert_eq!(answer.status, 200, "{sql}: {}", answer.body);
        answer.body["rows"].clone()
    }

    /// The only value of a signed-in user's query, as text.
    pub fn value(&self, user: &str, sql: &str) -> Value {
        self.rows(user, sql)[0][0].clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(2));
        }
    }
}

#[derive(Clone)]
pub struct Request {
    pub url: String,
    pub connection: String,
    pub headers: HashMap<&'static str, String>,
    pub token: Option<String>,
    pub is_warmed: bool,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub text: String,
    pub headers: HashMap<String, String>,
}

impl Answer {
    /// The message of an error, with its SQLSTATE.
    pub fn error(&self) -> (u16, &str, &str) {
        let text = |key: &str| {
            self.body[key]
                .as_str()
                .unwrap_or_else(|| panic!("no {key}: {}", self.text))
        };
        (self.status, text("code"), text("message"))
    }
}

impl Request {
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.to_owned());
        self
    }

    pub fn arrays(self) -> Self {
        self.header("Neon-Array-Mode", "true")
    }

    pub fn raw(self) -> Self {
        self.header("Neon-Raw-Text-Output", "true")
    }

    pub fn password(mut self, role: &str, password: &str) -> Self {
        let database = self.connection.rsplit('/').next().unwrap().to_owned();
        self.connection = format!("postgres://{role}:{password}@db.example.com/{database}");
        self
    }

    pub fn query(&self, sql: &str, params: &[Value]) -> Answer {
        self.send(&json!({"query": sql, "params": params}).to_string())
    }

    pub fn batch(&self, queries: &[&str]) -> Answer {
        let queries: Vec<Value> = queries.iter().map(|sql| json!({"query": sql})).collect();
        self.send(&json!({"queries": queries}).to_string())
    }

    pub fn send(&self, body: &str) -> Answer {
        if self.is_warmed && self.token.is_some() {
            for _ in 0..2 {
                self.exchange(r#"{"query": "select auth.user_id()"}"#);
            }
        }
        self.exchange(body)
    }

    fn exchange(&self, body: &str) -> Answer {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let mut request = agent
            .post(&self.url)
            .header("Content-Type", "text/plain;charset=UTF-8");
        request = request.header("Neon-Connection-String", &self.connection);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let mut response = request.send(body).unwrap();
        let headers = response.headers().iter();
        let headers = headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let text = response
            .body_mut()
            .with_config()
            .limit(100 << 20)
            .read_to_string()
            .unwrap();
        Answer {
            status: response.status().as_u16(),
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
            headers,
        }
    }
}

/// A server that asks for passwords, as real ones do.
pub fn strict_cluster(version: Version) -> Cluster {
    let hba = std::env::temp_dir().join(format!("rowgate-sql-hba-{}-{version}", std::process::id()));
    std::fs::write(
        &hba,
        "local all all trust\nhost all postgres 127.0.0.1/32 trust\nhost all trusted 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n",
    )
    .unwrap();
    let settings = vec![("hba_file", hba.display().to_string())];
    Cluster::start(
        version,
        Options {
            settings,
            ..Options::default()
        },
    )
}
