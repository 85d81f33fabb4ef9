//! Keys of every kind, tokens signed with them, and an HTTP server that publishes key sets well and badly.

// Helpers of tests may say what must hold by panicking.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    dead_code,
    missing_docs
)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
    RsaKeyPair, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rowgate_identity::jwks::{Authorities, Fetcher, Refresh};
use rowgate_identity::{Algorithm, Audiences, Identity, Issuer, KeySet, Keys, TokenError, Verifier};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The moment of the tests that do not look at the clock.
pub const NOW: u64 = 1_790_000_000;

pub const ISSUER: &str = "https://idp.example.com/";

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A private key of a test.
pub enum Key {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Key {
    /// Each kind once; RSA keys take a while to make.
    pub fn rsa() -> &'static Key {
        static KEY: std::sync::OnceLock<Key> = std::sync::OnceLock::new();
        KEY.get_or_init(|| Key::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    pub fn other_rsa() -> &'static Key {
        static KEY: std::sync::OnceLock<Key> = std::sync::OnceLock::new();
        KEY.get_or_init(|| Key::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    pub fn p256() -> Key {
        Key::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub fn p384() -> Key {
        Key::P384(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap())
    }

    pub fn ed() -> Key {
        Key::Ed(Ed25519KeyPair::generate().unwrap())
    }

    /// Its public part, under a name.
    pub fn jwk(&self, kid: &str) -> Value {
        match self {
            Key::Rsa(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({"kty": "RSA", "kid": kid, "n": b64(public.n), "e": b64(public.e)})
            }
            Key::P256(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": b64(&point[1..33]), "y": b64(&point[33..])})
            }
            Key::P384(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-384", "kid": kid, "x": b64(&point[1..49]), "y": b64(&point[49..])})
            }
            Key::Ed(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": b64(pair.public_key())})
            }
        }
    }

    pub fn signature(&self, alg: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Key::Rsa(pair) => {
                let encoding: &'static dyn aws_lc_rs::signature::RsaEncoding = match alg {
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    "PS384" => &RSA_PSS_SHA384,
                    "PS512" => &RSA_PSS_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).unwrap();
                signature
            }
            Key::P256(pair) | Key::P384(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Key::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// The algorithm that a token of this kind of key has, as a rule.
    pub fn alg(&self) -> &'static str {
        match self {
            Key::Rsa(_) => "RS256",
            Key::P256(_) => "ES256",
            Key::P384(_) => "ES384",
            Key::Ed(_) => "EdDSA",
        }
    }

    /// A token with any header and payload.
    pub fn sign(&self, header: &Value, payload: &Value) -> String {
        self.sign_text(&header.to_string(), &payload.to_string())
    }

    pub fn sign_text(&self, header: &str, payload: &str) -> String {
        let alg = serde_json::from_str::<Value>(header)
            .ok()
            .and_then(|header| Some(header.get("alg")?.as_str()?.to_owned()))
            .unwrap_or_default();
        let signed = format!("{}.{}", b64(header), b64(payload));
        let signature = self.signature(&alg, signed.as_bytes());
        format!("{signed}.{}", b64(signature))
    }

    /// A token as issuers make them.
    pub fn token(&self, kid: &str, payload: &Value) -> String {
        self.sign(&json!({"alg": self.alg(), "typ": "JWT", "kid": kid}), payload)
    }
}

/// Claims that are accepted at [`NOW`].
pub fn claims() -> Value {
    json!({"iss": ISSUER, "sub": "ann", "aud": "app", "iat": NOW - 10, "exp": NOW + 300})
}

/// Those claims with something else in them; `null` takes one away.
pub fn claims_with(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

/// Claims that are accepted by the clock of the machine.
pub fn current_claims() -> Value {
    let now = rowgate_identity::now() as u64;
    claims_with(json!({"iat": now, "exp": now + 300}))
}

pub fn key_set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({"keys": keys}).to_string().as_bytes()).unwrap()
}

pub fn verifier() -> Verifier {
    Verifier::new(Fetcher::new(Authorities::default()).unwrap())
}

/// The issuer of the tests with known keys, and every algorithm.
pub fn issuer(keys: &[Value]) -> Issuer {
    let keys = Keys::Inline(Arc::new(key_set(keys)));
    let mut issuer = Issuer::new("idp", ISSUER, keys, Audiences::OneOf(vec!["app".into()]));
    issuer.algorithms = Algorithm::ALL.to_vec();
    issuer
}

pub fn believing(issuer: Issuer) -> Verifier {
    let verifier = verifier();
    verifier.add(issuer).unwrap();
    verifier
}

/// Verifies at [`NOW`].
pub fn verify(verifier: &Verifier, token: &str) -> Result<Arc<Identity>, TokenError> {
    verify_at(verifier, token, NOW)
}

pub fn verify_at(verifier: &Verifier, token: &str, now: u64) -> Result<Arc<Identity>, TokenError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(verifier.verify_at(token, now as f64))
}

/// The code of a refusal.
pub fn refused(outcome: Result<Arc<Identity>, TokenError>) -> &'static str {
    outcome.expect_err("the token must be refused").code()
}

/// How a server answers.
#[derive(Clone)]
pub enum Answer {
    Body(String),
    /// The body, after a while.
    Slow(Duration, String),
    /// Nothing but this many bytes of something.
    Huge(usize),
    /// A head that promises a body, and then nothing.
    Hang,
    Status(u16),
    Redirect(String),
    Close,
    /// Not HTTP at all.
    Noise,
}

/// A real HTTP server on a free port of the loopback address.
pub struct Jwks {
    pub url: String,
    answer: Arc<Mutex<Answer>>,
    requests: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Jwks {
    pub async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let (answer, requests) = (Arc::new(Mutex::new(answer)), Arc::new(AtomicUsize::new(0)));
        let (answers, counted) = (Arc::clone(&answer), Arc::clone(&requests));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let answer = answers.lock().unwrap().clone();
                tokio::spawn(serve(stream, answer));
            }
        });
        Self {
            url,
            answer,
            requests,
            task,
        }
    }

    pub async fn publishing(keys: &[Value]) -> Self {
        Self::start(Answer::Body(json!({"keys": keys}).to_string())).await
    }

    pub fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    pub fn publishes(&self, keys: &[Value]) {
        self.answers(Answer::Body(json!({"keys": keys}).to_string()));
    }

    /// Requests so far.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// An issuer with these keys.
    pub fn issuer(&self, refresh: Refresh) -> Issuer {
        let keys = Keys::Url(self.url.parse().unwrap());
        let mut issuer = Issuer::new("idp", ISSUER, keys, Audiences::OneOf(vec!["app".into()]));
        issuer.refresh = refresh;
        issuer
    }
}

impl Drop for Jwks {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, answer: Answer) {
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => head.extend_from_slice(&buffer[..read]),
        }
    }
    let with_body = |body: &str| {
        let length = body.len();
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
    };
    // The client may have had enough by then.
    let _ = match answer {
        Answer::Body(body) => stream.write_all(with_body(&body).as_bytes()).await,
        Answer::Slow(delay, body) => {
            tokio::time::sleep(delay).await;
            stream.write_all(with_body(&body).as_bytes()).await
        }
        Answer::Huge(bytes) => {
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            let mut outcome = stream.write_all(head.as_bytes()).await;
            let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
            for _ in 0..bytes / 0x1000 {
                if outcome.is_err() {
                    break;
                }
                outcome = stream.write_all(chunk.as_bytes()).await;
            }
            outcome
        }
        Answer::Hang => {
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{";
            let outcome = stream.write_all(head.as_bytes()).await;
            tokio::time::sleep(Duration::from_secs(30)).await;
            outcome
        }
        Answer::Status(status) => {
            let text = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(text.as_bytes()).await
        }
        Answer::Redirect(to) => {
            let text = format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(text.as_bytes()).await
        }
        Answer::Close => Ok(()),
        Answer::Noise => stream.write_all(b"\x16\x03\x01 this is not HTTP\r\n\r\n").await,
    };
    let _ = stream.shutdown().await;
}
