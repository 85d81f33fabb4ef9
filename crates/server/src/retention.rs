//! Removing what the audit log has kept for long enough.

use std::sync::Arc;
use std::time::Duration;

use rowgate_environment::{Registry, now};

/// How often that is looked after.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// Removes old entries now and then, for as long as it is awaited.
pub(crate) async fn keep_to(registry: Arc<Registry>, retention: Duration) {
    let mut times = tokio::time::interval(EVERY);
    loop {
        times.tick().await;
        let registry = Arc::clone(&registry);
        let pruned = tokio::task::spawn_blocking(move || prune(&registry, retention)).await;
        if let Err(error) = pruned {
            tracing::warn!(%error, "old entries of the audit log were not removed");
        }
    }
}

fn prune(registry: &Registry, retention: Duration) {
    let retention = i64::try_from(retention.as_micros()).unwrap_or(i64::MAX);
    let before = now().saturating_sub(retention);
    for environment in registry.environments() {
        if let Err(error) = environment.prune_audit(before) {
            let environment = environment.name();
            tracing::warn!(environment, %error, "old entries of the audit log were not removed");
        }
    }
}
