//! What a verification costs: the first time a token comes, and when it comes again.
//!
//! ```console
//! $ cargo run --release --locked -p rowgate-identity --example verify
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use rowgate_identity::built_in::{BuiltIn, Contents, Grant, KeyStore, KeyStoreError, Ring};
use rowgate_identity::jwks::{Authorities, Fetcher};
use rowgate_identity::{Algorithm, Verifier, now};
use serde_json::json;

/// Tokens of each run; each is new to the verifier once.
const TOKENS: usize = 2_000;

/// How often each comes again.
const AGAIN: usize = 50;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "{:<8} {:>7} {:>12} {:>12} {:>12}",
        "", "bytes", "issue", "first time", "again"
    );
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        measure(algorithm)?;
    }
    Ok(())
}

fn measure(algorithm: Algorithm) -> Result<(), Box<dyn std::error::Error>> {
    let now = now();
    let ring = Ring::open(Arc::new(Nowhere), "bench", algorithm, now as u64)?;
    let issuer = BuiltIn::new("client_bench", "urn:rowgate:client_bench", ring);
    let verifier = Verifier::new(Fetcher::new(Authorities::default())?);
    verifier.add(issuer.as_issuer("own"))?;
    let mut grant = Grant::new("user_01HXYZ");
    grant.organization = Some("org_01HXYZ".into());
    grant.roles = vec!["admin".into(), "member".into()];
    grant.permissions = (0..20).map(|number| format!("resource{number}:view")).collect();
    grant.claims.insert("name".into(), json!("Ann Example"));

    let started = Instant::now();
    let tokens = (0..TOKENS).map(|_| issuer.mint(&grant, now as u64));
    let tokens = tokens.collect::<Result<Vec<_>, _>>()?;
    let issue = per(started.elapsed(), TOKENS);

    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let pass = || -> Result<Duration, Box<dyn std::error::Error>> {
        let started = Instant::now();
        runtime.block_on(async {
            for minted in &tokens {
                verifier.verify_at(&minted.token, now).await?;
            }
            Ok::<_, rowgate_identity::TokenError>(())
        })?;
        Ok(started.elapsed())
    };
    let first = per(pass()?, TOKENS);
    let mut total = Duration::ZERO;
    for _ in 0..AGAIN {
        total += pass()?;
    }
    let counters = verifier.counters();
    if (counters.verified(), counters.remembered()) != (TOKENS as u64, (TOKENS * AGAIN) as u64) {
        return Err("tokens were forgotten, so this measures something else".into());
    }
    let bytes = tokens.first().map_or(0, |minted| minted.token.len());
    let again = per(total, TOKENS * AGAIN);
    println!(
        "{:<8} {bytes:>7} {issue:>9.1} µs {first:>9.1} µs {again:>9.2} µs",
        algorithm.name()
    );
    Ok(())
}

fn per(total: Duration, count: usize) -> f64 {
    total.as_secs_f64() * 1e6 / count as f64
}

/// Keys of a measurement are kept nowhere.
struct Nowhere;

impl KeyStore for Nowhere {
    fn load(&self, _: &str) -> Result<Option<Contents>, KeyStoreError> {
        Ok(None)
    }

    fn save(&self, _: &str, _: Option<&Contents>, _: &Contents) -> Result<(), KeyStoreError> {
        Ok(())
    }

    fn delete(&self, _: &str) -> Result<(), KeyStoreError> {
        Ok(())
    }
}
