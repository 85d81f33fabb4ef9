//! Which entries are wanted.

use std::collections::BTreeSet;

use rowgate_schema::did_you_mean;
use serde_json::Value;

/// Every action that entries have.
pub const ACTIONS: [&str; 30] = [
    "environment.imported",
    "group.created",
    "group.deleted",
    "group_member.added",
    "group_member.removed",
    "group_role_assignment.created",
    "group_role_assignment.removed",
    "organization.created",
    "organization.deleted",
    "organization_membership.created",
    "organization_membership.deactivated",
    "organization_membership.deleted",
    "organization_membership.pending",
    "organization_membership.reactivated",
    "permission.created",
    "permission.deleted",
    "resource.deleted",
    "resource.moved",
    "resource_type.created",
    "resource_type.deleted",
    "resource_type.updated",
    "role.created",
    "role.deleted",
    "role.permissions_changed",
    "role_assignment.created",
    "role_assignment.removed",
    "role_assignment.updated",
    "settings.updated",
    "user.created",
    "user.deleted",
];

/// Whether an action, or what actions begin with up to a dot, is one that entries can have; if not, what is similar.
pub fn known_action(wanted: &str) -> Result<(), Option<String>> {
    let kinds = ACTIONS
        .iter()
        .filter_map(|action| Some(action.split_once('.')?.0));
    let known: BTreeSet<&str> = ACTIONS.into_iter().chain(kinds).collect();
    if known.contains(wanted) {
        return Ok(());
    }
    Err(did_you_mean(wanted, known))
}

/// Which entries of the audit log are wanted: those that match everything that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The id or the name of the key, or on whose behalf it acted.
    pub actor: Option<String>,
    /// The action, or what it begins with up to a dot, such as `role_assignment`.
    pub action: Option<String>,
    /// An organization.
    pub organization: Option<String>,
    /// A membership.
    pub membership: Option<String>,
    /// A group.
    pub group: Option<String>,
    /// A user.
    pub user: Option<String>,
    /// The slug of a role.
    pub role: Option<String>,
    /// The id of a resource.
    pub resource: Option<String>,
    /// The slug of a resource's type.
    pub resource_type: Option<String>,
    /// What the application calls a resource.
    pub resource_external_id: Option<String>,
    /// The id of a request.
    pub request: Option<String>,
}

impl Filter {
    /// Whether an entry is wanted.
    pub fn fits(&self, entry: &Value) -> bool {
        let field = |path: &[&str]| {
            let found = path.iter().try_fold(entry, |at, name| at.get(name));
            found.and_then(Value::as_str)
        };
        let is = |wanted: &Option<String>, path: &[&str]| {
            let wanted = wanted.as_deref();
            wanted.is_none_or(|wanted| field(path) == Some(wanted))
        };
        let actor = self.actor.as_deref().is_none_or(|wanted| {
            let names = ["id", "name", "on_behalf_of"];
            names.iter().any(|name| field(&["actor", name]) == Some(wanted))
        });
        let action = self.action.as_deref().is_none_or(|wanted| {
            let action = field(&["action"]).unwrap_or_default();
            let rest = action.strip_prefix(wanted);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        actor
            && action
            && is(&self.organization, &["organization_id"])
            && is(&self.membership, &["organization_membership_id"])
            && is(&self.group, &["group_id"])
            && is(&self.user, &["user_id"])
            && is(&self.role, &["role_slug"])
            && is(&self.resource, &["resource", "id"])
            && is(&self.resource_type, &["resource", "type_slug"])
            && is(&self.resource_external_id, &["resource", "external_id"])
            && is(&self.request, &["request_id"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_action_that_is_written_can_be_asked_for() {
        let is_action = |text: &&str| {
            text.contains('.')
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || b"_.".contains(&byte))
        };
        let written = include_str!("entries.rs").split('"').filter(is_action);
        let mut count = 0;
        for action in written {
            assert_eq!(known_action(action), Ok(()), "{action}");
            count += 1;
        }
        assert_eq!(count, ACTIONS.len() - 1, "an import is written elsewhere");
        assert_eq!(known_action("role_assignment"), Ok(()));
        assert_eq!(
            known_action("rol_assignment"),
            Err(Some("did you mean `role_assignment`?".into()))
        );
        assert_eq!(known_action("role_"), Err(Some("did you mean `role`?".into())));
        assert_eq!(known_action("nonsense"), Err(None));
    }

    #[test]
    fn everything_that_is_given_has_to_match() {
        let entry = json!({
            "action": "role_assignment.created",
            "actor": {"type": "api_key", "id": "key_1", "name": "ci"},
            "role_slug": "editor",
            "resource": {"type_slug": "project", "external_id": "p1", "id": "authz_resource_1"},
        });
        let of = |change: fn(&mut Filter)| {
            let mut filter = Filter::default();
            change(&mut filter);
            filter.fits(&entry)
        };
        assert!(of(|_| {}));
        assert!(of(|filter| filter.actor = Some("ci".into())));
        assert!(of(|filter| filter.actor = Some("key_1".into())));
        assert!(!of(|filter| filter.actor = Some("api_key".into())));
        assert!(of(|filter| filter.action = Some("role_assignment".into())));
        assert!(!of(|filter| filter.action = Some("role".into())));
        assert!(of(|filter| filter.resource_external_id = Some("p1".into())));
        assert!(!of(|filter| filter.membership = Some("om_1".into())));
        assert!(!of(|filter| {
            filter.role = Some("editor".into());
            filter.resource_type = Some("workspace".into());
        }));
    }
}
