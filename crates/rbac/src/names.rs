//! What things are called in the graph: see [`rowgate_binding::authz`], which row-level security shares.

pub(crate) use rowgate_binding::authz::{
    ENVIRONMENT, GRANT, NAME, ORGANIZATION_TYPE, PERMISSION, ROLE, SELF, TYPE, decode, encode, id_within,
    permission_relation_in, relation, split_id, write_id_within, write_type_name,
};
pub use rowgate_binding::authz::{
    GROUP, MEMBERSHIP, ORGANIZATION, USER, permission_relation, permission_slug, type_name, type_slug,
};

/// The id of a resource by what the application calls it.
pub fn within(organization: &crate::record::Organization<'_>, external_id: &str) -> String {
    id_within(organization.id(), external_id)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rowgate_binding::authz::HASHED;
    use rowgate_engine::names::{is_id, is_name};

    #[test]
    fn permissions_become_relations_and_come_back() {
        for slug in ["project:edit", "a.b", "*", "a-b_c:d.*", ":::"] {
            let relation = permission_relation(slug);
            assert!(is_name(&relation), "{relation}");
            assert_eq!(permission_slug(&relation).as_deref(), Some(slug));
        }
        assert_eq!(permission_slug("member"), None);
        for other in ["projectCedit", "aDb", "S"] {
            assert!(!is_name(&permission_relation(other)), "{other}");
        }
        assert!(is_name(&permission_relation(&":".repeat(48))));
    }

    #[test]
    fn external_ids_become_ids_and_come_back() {
        for text in ["proj-456", "a:b/c d", "*", "%2F", "<b>", "\u{7f}", "~", "%~"] {
            let id = id_within("org_1", text);
            assert!(is_id(&id), "{id}");
            assert_eq!(decode(split_id(&id).unwrap().1).unwrap(), text);
        }
        let long = id_within("org_01JZ7W3Q0X8S2N4V6B1C5D9E7F", &"/".repeat(128));
        assert!(is_id(&long) && split_id(&long).unwrap().1.starts_with(HASHED));
        assert_eq!(decode(split_id(&long).unwrap().1), None);
    }

    #[test]
    fn resource_types_are_not_confused_with_other_types() {
        assert_eq!(type_slug("authz-role"), Some("role"));
        assert_eq!(type_slug(ROLE), None);
        assert_eq!(type_slug("role"), None);
    }
}
