//! What warrants of the application name before it exists, and what is only in somebody else's part of the environment.

use rowgate_graph::Tuple;
use rowgate_rbac::Target;
use rowgate_rbac::change::{memberships, organizations, users};

use crate::world::{World, external, guide, refused};

/// A warrant of a type of the application's own.
fn name(world: &mut World, resource_type: &str, id: &str) {
    let tuple = Tuple {
        resource_type: "note",
        resource_id: "n1",
        relation: "about",
        subject_type: resource_type,
        subject_id: id,
        subject_relation: None,
        policy: None,
    };
    let at = world.now - 5;
    world.graph.create_warrant(&tuple, at).unwrap();
}

#[test]
fn what_is_only_named_does_not_exist() {
    let mut world = World::new();
    world.types(&guide());
    let organization = world.organization("Acme");
    let member = world.membership(&organization, "ann@example.com");
    for (ty, id) in [
        ("authz--user", "user_1".to_owned()),
        ("authz--membership", "om_1".to_owned()),
        ("authz--group", "group_1".to_owned()),
        ("authz-organization", "org_1".to_owned()),
        ("authz--permission", "ghost:view".to_owned()),
        ("authz--role", "ghost".to_owned()),
        ("authz--type", "ghost".to_owned()),
        ("authz-workspace", format!("{organization}/ghost")),
    ] {
        name(&mut world, ty, &id);
    }
    let read = world.read();
    refused(read.user("user_1").map(drop), "entity_not_found");
    refused(read.membership("om_1").map(drop), "entity_not_found");
    refused(read.group("group_1").map(drop), "entity_not_found");
    refused(read.organization("org_1").map(drop), "entity_not_found");
    refused(read.permission("ghost:view").map(drop), "entity_not_found");
    refused(read.environment_role("ghost").map(drop), "entity_not_found");
    refused(read.resource_type("ghost").map(drop), "entity_not_found");
    let acme = read.organization(&organization).unwrap();
    let ghost = external("workspace", "ghost");
    refused(read.target(&acme, &ghost).map(drop), "entity_not_found");
    assert_eq!((read.users().count(), read.organizations().count()), (1, 1));
    assert_eq!(acme.memberships().count(), 1);
    assert_eq!(read.resources_of_type("workspace").count(), 0);
    let roles = read.environment_roles();
    assert!(roles.iter().all(|role| role.slug() != "ghost"));
    assert!(
        read.permissions()
            .all(|permission| permission.slug() != "ghost:view")
    );
    // And the names are still free.
    let id = world.resource(&organization, "workspace", "ghost", None).unwrap();
    let read = world.read();
    assert_eq!(
        read.resource(&id).unwrap().wire_id(),
        id,
        "found by the id that it shows"
    );
    let acme = read.organization(&organization).unwrap();
    assert_eq!(read.target(&acme, &ghost).unwrap().wire_id(), id);
    assert!(!world.may(&member, "project:edit", &ghost));
}

#[test]
fn what_is_imported_under_a_name_that_was_mentioned_goes_by_it() {
    let mut world = World::new();
    for (ty, id) in [
        ("authz--user", "user_1"),
        ("authz--membership", "om_1"),
        ("authz-organization", "org_1"),
    ] {
        name(&mut world, ty, id);
    }
    world
        .run(|draft| {
            let fields = organizations::OrganizationFields {
                name: Some("Acme".into()),
                ..Default::default()
            };
            organizations::create(draft, &fields, Some("org_1"))
        })
        .unwrap();
    world
        .run(|draft| users::create(draft, &users::UserFields::default(), Some("user_1")))
        .unwrap();
    world
        .run(|draft| memberships::create(draft, "user_1", "org_1", None, Some("om_1")))
        .unwrap();
    let read = world.read();
    let organization = read.organization("org_1").unwrap();
    let root = organization.root().wire_id();
    assert_eq!(read.resource(&root).unwrap().external_id(), "org_1");
    let target = Target::Id(root);
    assert!(read.target(&organization, &target).unwrap().is_root());
    assert_eq!(read.membership("om_1").unwrap().user().unwrap().id(), "user_1");
}
