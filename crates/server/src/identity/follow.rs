//! Signing keys that other servers of the same database made, replaced or deleted.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rowgate_environment::Registry;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::Identities;

/// How often other servers' keys are looked at: how long a revoked key lives on elsewhere, at most.
const EVERY: Duration = Duration::from_secs(2);

/// How often they are looked at for the sake of tokens whose key is not known, however many such tokens come.
const FLOOR: Duration = Duration::from_millis(100);

impl Identities {
    /// Takes over what other servers did to the keys until now. False if there are no other servers, or that failed.
    pub(super) async fn follow(&self, registry: &Arc<Registry>) -> bool {
        let Some(own) = self.built_in.clone().filter(|own| own.is_shared()) else {
            return false;
        };
        let asked = Instant::now();
        let mut last = self.followed.lock().await;
        if let Some(begun) = *last {
            // Somebody else looked meanwhile.
            if begun > asked {
                return true;
            }
            sleep(FLOOR.saturating_sub(begun.elapsed())).await;
        }
        *last = Some(Instant::now());
        let registry = Arc::clone(registry);
        match spawn_blocking(move || own.follow(&registry)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the signing keys of other servers cannot be read");
                false
            }
            Err(_) => false,
        }
    }
}

/// Looks at other servers' keys again and again, as long as there is somebody to whom it matters.
pub(crate) fn keep_following(identities: &Arc<Identities>, registry: &Arc<Registry>) {
    let is_shared = identities.built_in.as_ref().is_some_and(|own| own.is_shared());
    if is_shared {
        tokio::spawn(following(Arc::downgrade(identities), Arc::downgrade(registry)));
    }
}

async fn following(identities: Weak<Identities>, registry: Weak<Registry>) {
    loop {
        sleep(EVERY).await;
        let (Some(identities), Some(registry)) = (identities.upgrade(), registry.upgrade()) else {
            return;
        };
        identities.follow(&registry).await;
    }
}
