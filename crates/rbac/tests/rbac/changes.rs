//! What may change and what is refused, with its code.

use rowgate_policy::Context;
use rowgate_rbac::change::assignments::{self, Placed};
use rowgate_rbac::change::permissions::{self, NewPermission};
use rowgate_rbac::change::roles::{self, NewRole};
use rowgate_rbac::change::{
    group_assignments, groups, memberships, organizations, resources, role_permissions, users,
};
use rowgate_rbac::condition::Condition;
use rowgate_rbac::record::Status;
use rowgate_rbac::{Error, Target};

use crate::world::{World, external, guide, refused};

pub fn started() -> (World, String, String) {
    let mut world = World::new();
    world.types(&guide());
    let organization = world.organization("Acme");
    let membership = world.membership(&organization, "ann@example.com");
    (world, organization, membership)
}

pub fn placed(role: &str, target: Option<Target>) -> Placed {
    Placed {
        role: role.into(),
        target,
    }
}

fn tree(world: &mut World, organization: &str) {
    world.resource(organization, "workspace", "w1", None).unwrap();
    world
        .resource(organization, "project", "p1", Some(external("workspace", "w1")))
        .unwrap();
    world
        .resource(organization, "app", "a1", Some(external("project", "p1")))
        .unwrap();
}

#[test]
fn access_flows_down_and_not_up() {
    let (mut world, organization, om) = started();
    tree(&mut world, &organization);
    assert!(!world.may(&om, "project:edit", &external("app", "a1")));
    let editor = placed("workspace-editor", Some(external("workspace", "w1")));
    world
        .run(|draft| assignments::assign(draft, &om, &editor, None))
        .unwrap();
    for (ty, id) in [("workspace", "w1"), ("project", "p1"), ("app", "a1")] {
        assert!(world.may(&om, "project:edit", &external(ty, id)), "{ty}");
    }
    assert!(!world.may(&om, "project:edit", &external("organization", &organization)));
    assert!(!world.may(&om, "app:deploy", &external("app", "a1")));
    assert!(!world.may(&om, "unheard:of", &external("app", "a1")));
}

#[test]
fn assigning_twice_is_one_assignment_with_one_id() {
    let (mut world, organization, om) = started();
    tree(&mut world, &organization);
    let viewer = placed("viewer", Some(external("project", "p1")));
    let ids = |world: &World| -> Vec<String> {
        let membership = world.read().membership(&om).unwrap();
        let mut ids: Vec<String> = membership.assignments().iter().map(|one| one.wire_id()).collect();
        ids.sort();
        ids
    };
    world
        .run(|draft| assignments::assign(draft, &om, &viewer, None))
        .unwrap();
    let before = ids(&world);
    world
        .run(|draft| assignments::assign(draft, &om, &viewer, None))
        .unwrap();
    assert_eq!(ids(&world), before);
    assert_eq!(before.len(), 2, "the default role and this one");
    world
        .run(|draft| memberships::change_status(draft, &om, false))
        .unwrap();
    assert_eq!(ids(&world), before, "kept while the membership is inactive");
}

#[test]
fn roles_stay_where_they_belong() {
    let (mut world, acme, om) = started();
    tree(&mut world, &acme);
    let other = world.organization("Other");
    world.resource(&other, "workspace", "w2", None).unwrap();
    let foreign =
        world
            .read()
            .resource_by_external_id(&world.read().organization(&other).unwrap(), "workspace", "w2");
    let foreign = Target::Id(foreign.unwrap().wire_id());
    let custom = NewRole {
        slug: Some("org-keeper".into()),
        name: "Keeper".into(),
        description: None,
        resource_type: Some("workspace".into()),
    };
    world
        .run(|draft| roles::create_for_organization(draft, &other, &custom))
        .unwrap();
    let mut assign = |role: &str, target: Target| {
        world.run(|draft| assignments::assign(draft, &om, &placed(role, Some(target.clone())), None))
    };
    refused(assign("viewer", external("workspace", "w1")), "invalid_role");
    refused(assign("workspace-editor", foreign), "entity_not_found");
    refused(
        assign("org-keeper", external("workspace", "w1")),
        "entity_not_found",
    );
    refused(assign("nothing", external("workspace", "w1")), "entity_not_found");
    refused(
        assign("viewer", external("project", "missing")),
        "entity_not_found",
    );
}

#[test]
fn an_organizations_own_role_means_nothing_elsewhere() {
    let (mut world, acme, om) = started();
    let other = world.organization("Other");
    let stranger = world.membership(&other, "bob@example.com");
    let custom = NewRole {
        slug: Some("org-keeper".into()),
        name: "Keeper".into(),
        description: None,
        resource_type: None,
    };
    for (organization, permission) in [(&acme, "org:manage"), (&other, "workspace:view")] {
        world
            .run(|draft| roles::create_for_organization(draft, organization, &custom))
            .unwrap();
        world
            .run(|draft| {
                let role = roles::own(draft, organization, "org-keeper")?;
                role_permissions::add(draft, &role, permission)
            })
            .unwrap();
    }
    for membership in [&om, &stranger] {
        world
            .run(|draft| assignments::assign(draft, membership, &placed("org-keeper", None), None))
            .unwrap();
    }
    assert!(world.may(&om, "org:manage", &external("organization", &acme)));
    assert!(!world.may(&om, "workspace:view", &external("organization", &acme)));
    assert!(world.may(&stranger, "workspace:view", &external("organization", &other)));
    let in_use = world.run(|draft| {
        let role = roles::own(draft, &acme, "org-keeper")?;
        roles::delete(draft, &role)
    });
    refused(in_use, "role_has_assignments");
    let of_environment = world.run(|draft| roles::own(draft, &acme, "admin").map(|_| ()));
    refused(of_environment, "bad_request");
}

#[test]
fn what_a_role_carries_is_of_its_type_or_below() {
    let (mut world, _, _) = started();
    let mut set = |role: &str, permissions: &[&str]| {
        let permissions: Vec<String> = permissions.iter().map(|slug| (*slug).to_owned()).collect();
        world.run(|draft| {
            let role = draft.read.environment_role(role)?;
            role_permissions::set(draft, &role, &permissions)
        })
    };
    refused(set("viewer", &["workspace:view"]), "invalid_request_parameters");
    refused(set("viewer", &["unheard:of"]), "invalid_request_parameters");
    set("viewer", &["app:deploy", "project:view"]).unwrap();
    assert_eq!(
        world.read().environment_role("viewer").unwrap().permissions(),
        ["project:view", "app:deploy"],
        "in the order in which it got them"
    );
}

#[test]
fn slugs_are_unique_and_keep_apart() {
    let (mut world, acme, _) = started();
    let permission = NewPermission {
        slug: "project:edit".into(),
        name: "Edit".into(),
        description: None,
        resource_type: None,
    };
    refused(
        world.run(|draft| permissions::create(draft, &permission)),
        "permission_slug_conflict",
    );
    let role = |slug: &str| NewRole {
        slug: Some(slug.into()),
        name: "Role".into(),
        description: None,
        resource_type: None,
    };
    let conflict = world.run(|draft| roles::create_for_environment(draft, &role("admin")));
    refused(conflict, "role_slug_conflict");
    let reserved = world.run(|draft| roles::create_for_environment(draft, &role("org-x")));
    refused(reserved, "invalid_request_parameters");
    let not_own = world.run(|draft| roles::create_for_organization(draft, &acme, &role("x")));
    refused(not_own, "invalid_request_parameters");
    world
        .run(|draft| roles::create_for_organization(draft, &acme, &role("org-x")))
        .unwrap();
    let again = world.run(|draft| roles::create_for_organization(draft, &acme, &role("org-x")));
    refused(again, "organization_role_slug_conflict");
    let unnamed = NewRole {
        slug: None,
        ..role("")
    };
    let slug = world
        .run(|draft| roles::create_for_organization(draft, &acme, &unnamed))
        .unwrap();
    assert!(slug.starts_with("org-role-"), "{slug}");
}

#[test]
fn resources_are_unique_under_an_allowed_parent_of_their_organization() {
    let (mut world, acme, _) = started();
    tree(&mut world, &acme);
    let again = world.resource(&acme, "workspace", "w1", None);
    refused(again, "authorization_resource_external_id_conflict");
    refused(world.resource(&acme, "unheard-of", "x", None), "entity_not_found");
    refused(world.resource(&acme, "organization", "x", None), "bad_request");
    let wrong = world.resource(&acme, "project", "p2", None);
    refused(wrong, "invalid_request_parameters");
    let wrong = world.resource(&acme, "project", "p2", Some(external("app", "a1")));
    refused(wrong, "invalid_request_parameters");
    let other = world.organization("Other");
    let foreign = world.resource(&other, "project", "p2", Some(external("workspace", "w1")));
    refused(foreign, "entity_not_found");
    // The same name elsewhere is another resource.
    world.resource(&other, "workspace", "w1", None).unwrap();
}

#[test]
fn a_deletion_says_what_it_took_along() {
    let (mut world, acme, om) = started();
    tree(&mut world, &acme);
    for (role, ty, id) in [("viewer", "project", "p1"), ("deployer", "app", "a1")] {
        let placed = placed(role, Some(external(ty, id)));
        world
            .run(|draft| assignments::assign(draft, &om, &placed, None))
            .unwrap();
    }
    let mut delete = |cascade| {
        world.run(|draft| {
            let organization = draft.read.organization(&acme)?;
            let resource = draft.read.target(&organization, &external("workspace", "w1"))?;
            resources::delete(draft, &resource, cascade)?;
            Ok(draft.removed())
        })
    };
    refused(delete(false), "resource_has_dependents");
    let removed = delete(true).unwrap();
    assert_eq!((removed.resources, removed.assignments), (3, 2));
    let left = world.read().membership(&om).unwrap().assignments().len();
    assert_eq!(left, 1, "the default role");
}

#[test]
fn deleting_an_organization_leaves_nothing_of_it() {
    let (mut world, acme, om) = started();
    let before = world.graph.state().resource_count();
    let other = world.organization("Other");
    world
        .run(|draft| {
            let fields = organizations::OrganizationFields {
                external_id: Some(Some("cust-1".into())),
                ..Default::default()
            };
            organizations::update(draft, &other, &fields)
        })
        .unwrap();
    tree(&mut world, &other);
    let user = world.membership(&other, "bob@example.com");
    let user = world
        .read()
        .membership(&user)
        .unwrap()
        .user()
        .unwrap()
        .id()
        .to_owned();
    let group = world
        .run(|draft| groups::create(draft, &other, "G", None))
        .unwrap();
    world
        .run(|draft| group_assignments::assign(draft, &group, &placed("admin", None)))
        .unwrap();
    world.run(|draft| organizations::delete(draft, &other)).unwrap();
    world.run(|draft| users::delete(draft, &user)).unwrap();
    assert_eq!(world.graph.state().resource_count(), before);
    assert!(world.read().organization_by_external_id("cust-1").is_err());
    assert!(world.read().membership(&om).is_ok() && world.read().organization(&acme).is_ok());
}

#[test]
fn the_organization_goes_by_its_id_and_by_its_external_id() {
    let (mut world, acme, om) = started();
    world
        .run(|draft| assignments::assign(draft, &om, &placed("admin", None), None))
        .unwrap();
    let id = world.read().organization(&acme).unwrap().root().wire_id();
    let fields = organizations::OrganizationFields {
        external_id: Some(Some("cust-1".into())),
        ..Default::default()
    };
    world
        .run(|draft| organizations::update(draft, &acme, &fields))
        .unwrap();
    for target in [
        external("organization", &acme),
        external("organization", "cust-1"),
        Target::Id(id),
    ] {
        assert!(world.may(&om, "org:manage", &target), "{target:?}");
    }
    let other = world.organization("Other");
    let taken = world.run(|draft| organizations::update(draft, &other, &fields));
    refused(taken, "external_id_already_used");
}

#[test]
fn an_assignment_can_expire_or_depend_on_the_request() {
    let (mut world, acme, om) = started();
    let condition = |expires_at, policy| Condition { expires_at, policy }.write().unwrap();
    let target = external("organization", &acme);
    let admin = placed("admin", None);
    // The world's clock starts in July 2026.
    let past = condition(Some("2026-01-01T00:00:00Z"), None);
    world
        .run(|draft| assignments::assign(draft, &om, &admin, past.as_deref()))
        .unwrap();
    assert!(!world.may(&om, "org:manage", &target));
    let future = condition(Some("2030-01-01T00:00:00Z"), Some("ip == \"10.0.0.1\""));
    world
        .run(|draft| assignments::assign(draft, &om, &admin, future.as_deref()))
        .unwrap();
    let from = |ip: &str| {
        let mut context = Context::new();
        context.insert("ip".into(), ip.into());
        world.ask_in(&context, |asker| {
            let read = asker.read();
            let membership = read.membership(&om).unwrap();
            let root = membership.organization().unwrap().root();
            asker
                .check(&membership, "org:manage", &root)
                .unwrap()
                .value
                .grants()
        })
    };
    assert!(from("10.0.0.1") && !from("10.0.0.2"));
    assert!(!world.may(&om, "org:manage", &target), "unknown is not yes");
    let membership = world.read().membership(&om).unwrap();
    let shown = membership.assignments();
    let shown = shown.iter().find(|one| one.role.slug() == "admin").unwrap();
    assert_eq!(shown.condition().policy, Some("ip == \"10.0.0.1\""));
}

#[test]
fn memberships_have_a_role_and_come_back_with_what_they_had() {
    let (mut world, acme, om) = started();
    let user = world
        .read()
        .membership(&om)
        .unwrap()
        .user()
        .unwrap()
        .id()
        .to_owned();
    let roles_of = |world: &World| -> Vec<String> {
        let membership = world.read().membership(&om).unwrap();
        membership
            .organization_roles(world.now)
            .iter()
            .map(|slug| slug.to_string())
            .collect()
    };
    assert_eq!(roles_of(&world), ["member"]);
    let again = world.run(|draft| memberships::create(draft, &user, &acme, None, None));
    refused(again, "user_already_organization_member");
    let roles = ["admin".to_owned(), "member".to_owned()];
    world
        .run(|draft| memberships::update(draft, &om, Some(&roles)))
        .unwrap();
    assert_eq!(roles_of(&world), ["admin", "member"], "by priority");
    world
        .run(|draft| memberships::change_status(draft, &om, false))
        .unwrap();
    assert!(!world.may(&om, "org:manage", &external("organization", &acme)));
    assert_eq!(roles_of(&world), ["admin", "member"]);
    world
        .run(|draft| memberships::change_status(draft, &om, true))
        .unwrap();
    assert!(world.may(&om, "org:manage", &external("organization", &acme)));
    // Joining again while inactive is activation with the roles given.
    world
        .run(|draft| memberships::change_status(draft, &om, false))
        .unwrap();
    let only = ["member".to_owned()];
    let back = world
        .run(|draft| memberships::create(draft, &user, &acme, Some(&only), None))
        .unwrap();
    assert_eq!(back, om);
    assert_eq!(roles_of(&world), ["member"]);
    assert_eq!(world.read().membership(&om).unwrap().status(), Status::Active);
    assert!(!world.may(&om, "org:manage", &external("organization", &acme)));
    let scoped = world.run(|draft| memberships::update(draft, &om, Some(&["viewer".to_owned()])));
    let error = refused(scoped, "sub_resource_scoped_role_not_allowed");
    assert!(matches!(error, Error::Unprocessable { role_slug: Some(slug), .. } if slug == "viewer"));
    let unknown = world.run(|draft| memberships::update(draft, &om, Some(&["x".to_owned()])));
    refused(unknown, "invalid_role");
}

#[test]
fn group_assignments_are_replaced_and_patched_as_a_whole() {
    let (mut world, acme, om) = started();
    tree(&mut world, &acme);
    let group = world
        .run(|draft| groups::create(draft, &acme, "G", None))
        .unwrap();
    world
        .run(|draft| groups::patch_members(draft, &acme, &group, std::slice::from_ref(&om), &[]))
        .unwrap();
    let viewer = placed("viewer", Some(external("project", "p1")));
    let admin = placed("admin", None);
    world
        .run(|draft| group_assignments::replace(draft, &group, &[viewer.clone(), admin.clone()]))
        .unwrap();
    assert!(world.may(&om, "org:manage", &external("app", "a1")));
    let duplicate = world.run(|draft| group_assignments::assign(draft, &group, &admin));
    refused(duplicate, "duplicate_group_role_assignment");
    let overlap = world.run(|draft| {
        group_assignments::patch(
            draft,
            &group,
            std::slice::from_ref(&admin),
            std::slice::from_ref(&admin),
        )
    });
    refused(overlap, "group_role_assignment_update_overlap");
    let wrong = placed("viewer", Some(external("workspace", "w1")));
    let whole = world.run(|draft| group_assignments::replace(draft, &group, std::slice::from_ref(&wrong)));
    refused(whole, "invalid_role");
    assert!(
        world.may(&om, "org:manage", &external("app", "a1")),
        "nothing was changed"
    );
    // One that comes from the group is not removed by itself.
    let inherited = world.read().membership(&om).unwrap();
    let inherited = inherited
        .assignments()
        .into_iter()
        .find(|one| one.through.is_some())
        .unwrap()
        .wire_id();
    let by_id = world.run(|draft| assignments::unassign_by_id(draft, &om, &inherited));
    refused(by_id, "bad_request");
    world
        .run(|draft| group_assignments::replace(draft, &group, &[]))
        .unwrap();
    assert!(!world.may(&om, "org:manage", &external("app", "a1")));
}
