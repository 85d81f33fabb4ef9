//! Taking away role assignments that are over.

use std::sync::Arc;
use std::time::Duration;

use rowgate_environment::{Environment, Registry, now};
use rowgate_rbac::change::expiry;
use rowgate_rbac::{Error, Reader};

/// How many are taken away in one write.
const AT_ONCE: usize = 500;

/// Takes away what is over now and then, for as long as it is awaited.
pub(crate) async fn look_after(registry: Arc<Registry>, every: Duration) {
    let mut times = tokio::time::interval(every);
    times.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        let registry = Arc::clone(&registry);
        let ended = tokio::task::spawn_blocking(move || end_all(&registry)).await;
        if let Err(error) = ended {
            tracing::warn!(%error, "role assignments that are over were not taken away");
        }
    }
}

fn end_all(registry: &Registry) {
    for environment in registry.environments() {
        if let Err(error) = end(&environment) {
            let environment = environment.name();
            tracing::warn!(environment, %error, "role assignments that are over were not taken away");
        }
    }
}

/// What is over is looked for beside the thread that writes, and looked at again there: another server may have been faster.
fn end(environment: &Environment) -> Result<(), Error> {
    loop {
        let at = now();
        let over = expiry::over(Reader::new(&environment.read().graph), at, AT_ONCE);
        if over.is_empty() {
            return Ok(());
        }
        let (write, outcome) =
            rowgate_rbac::write(expiry::actor(), move |draft| expiry::end(draft, &over, at));
        let ended = outcome.of(environment.write(write))?;
        tracing::info!(
            environment = environment.name(),
            ended,
            "role assignments are over"
        );
        if ended < AT_ONCE {
            return Ok(());
        }
    }
}
