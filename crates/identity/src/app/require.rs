//! A permission, answered by the token or by a check.
//!
//! A claim in `permissions` holds for every resource *of the organization that the token is for*, and for nothing outside it. So it answers
//! only once it is said which organization the resource is of; without that, a member of one organization would read the files of another.

use super::{Caller, Check, Refusal};

/// A permission that a request needs. Say next which organization the resource is of.
#[derive(Debug)]
#[must_use = "nothing is required before it is asked"]
pub struct Requirement<'a> {
    caller: &'a Caller,
    permission: &'a str,
}

/// A permission in an organization.
#[derive(Debug)]
#[must_use = "nothing is required before it is asked"]
pub struct Scoped<'a> {
    caller: &'a Caller,
    by_token: bool,
}

impl<'a> Requirement<'a> {
    pub(super) fn new(caller: &'a Caller, permission: &'a str) -> Self {
        Self { caller, permission }
    }

    /// The resource is of this organization, as the application's own data say.
    pub fn in_organization(self, organization: &str) -> Scoped<'a> {
        let own = self.caller.claims().organization() == Some(organization);
        self.scoped(own)
    }

    /// The resource is certainly of the organization that the token is for: it was looked up within `claims().organization()`.
    pub fn in_own_organization(self) -> Scoped<'a> {
        let some = self.caller.claims().organization().is_some();
        self.scoped(some)
    }

    fn scoped(self, own: bool) -> Scoped<'a> {
        Scoped {
            by_token: own && self.caller.has_permission(self.permission),
            caller: self.caller,
        }
    }
}

impl Scoped<'_> {
    /// Whether the token alone answers yes. If not, that is no no: ask with [`Scoped::or_check`].
    pub fn answered_by_token(&self) -> bool {
        self.by_token
    }

    /// Yes if the token says so; otherwise the server is asked about the resource.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for no, [`Refusal::Unavailable`] if there is no answer.
    pub async fn or_check(self, check: Check) -> Result<(), Refusal> {
        if self.by_token || self.caller.rowgate.check(self.caller, &check).await? {
            Ok(())
        } else {
            Err(Refusal::Forbidden)
        }
    }
}
