//! Types as code.

use rowgate_rbac::change::assignments::{self, Placed};
use rowgate_rbac::change::types::{Action, Types, apply};

use crate::world::{World, external, guide, permission, refused, role, ty};

fn plan(world: &mut World, types: &Types, prune: bool) -> rowgate_rbac::Result<Vec<(Action, String)>> {
    let steps = world.run(|draft| apply(draft, types, prune))?;
    Ok(steps
        .into_iter()
        .map(|step| (step.action, format!("{} {}", step.kind, step.slug)))
        .collect())
}

#[test]
fn applying_twice_changes_nothing() {
    let mut world = World::new();
    assert!(!plan(&mut world, &guide(), false).unwrap().is_empty());
    let again = plan(&mut world, &guide(), false).unwrap();
    assert_eq!(again, [(Action::Keep, "role member".to_owned())]);
    let shown = Types::of(world.read());
    assert_eq!(
        plan(&mut world, &shown, true).unwrap(),
        [],
        "what is shown can be applied"
    );
}

#[test]
fn what_is_not_mentioned_is_deleted_only_when_asked_and_only_when_unused() {
    let mut world = World::new();
    world.types(&guide());
    let organization = world.organization("Acme");
    let membership = world.membership(&organization, "ann@example.com");
    world.resource(&organization, "workspace", "w1", None).unwrap();
    world
        .resource(&organization, "project", "p1", Some(external("workspace", "w1")))
        .unwrap();
    world
        .resource(&organization, "app", "a1", Some(external("workspace", "w1")))
        .unwrap();
    let mut smaller = guide();
    smaller.types.retain(|entry| entry.slug != "app");
    smaller.permissions.retain(|entry| entry.slug != "app:deploy");
    smaller.roles.retain(|entry| entry.slug != "deployer");
    let kept = plan(&mut world, &smaller, false).unwrap();
    assert!(kept.iter().all(|(action, _)| *action == Action::Keep), "{kept:?}");
    refused(plan(&mut world, &smaller, true), "resource_type_in_use");
    let deployer = Placed {
        role: "deployer".into(),
        target: Some(external("app", "a1")),
    };
    world
        .run(|draft| assignments::assign(draft, &membership, &deployer, None))
        .unwrap();
    // A parent that is in use stays.
    let mut moved = guide();
    moved.types[2] = ty("app", &["project"]);
    refused(plan(&mut world, &moved, false), "resource_type_in_use");
    world
        .run(|draft| {
            let organization = draft.read.organization(&organization)?;
            let app = draft.read.target(&organization, &external("app", "a1"))?;
            rowgate_rbac::change::resources::delete(draft, &app, true)
        })
        .unwrap();
    let done = plan(&mut world, &smaller, true).unwrap();
    assert!(
        done.contains(&(Action::Delete, "resource_type app".to_owned())),
        "{done:?}"
    );
    assert!(world.read().permission("app:deploy").is_err());
}

#[test]
fn documents_that_make_no_sense_are_refused() {
    let mut world = World::new();
    let mut wrong = |types: Types| {
        refused(plan(&mut world, &types, false), "invalid_request_parameters");
    };
    let of_types = |types| Types {
        types,
        ..Types::default()
    };
    wrong(of_types(vec![ty("organization", &["organization"])]));
    wrong(of_types(vec![ty("Area", &["organization"])]));
    wrong(of_types(vec![ty("area", &[])]));
    wrong(of_types(vec![ty("area", &["missing"])]));
    wrong(of_types(vec![ty("a", &["b"]), ty("b", &["a", "organization"])]));
    wrong(of_types(vec![
        ty("a", &["organization"]),
        ty("a", &["organization"]),
    ]));
    let mut sideways = guide();
    sideways.roles.push(role("x", "app", &["project:view"]));
    wrong(sideways);
    let mut unknown = guide();
    unknown.permissions.push(permission("x", "missing"));
    wrong(unknown);
    let mut default = guide();
    default.default_role = Some("viewer".into());
    wrong(default);
}

#[test]
fn a_role_of_an_organization_keeps_the_hierarchy_it_relies_on() {
    let mut world = World::new();
    world.types(&guide());
    let organization = world.organization("Acme");
    let custom = rowgate_rbac::change::roles::NewRole {
        slug: Some("org-lead".into()),
        name: "Lead".into(),
        description: None,
        resource_type: Some("workspace".into()),
    };
    world
        .run(|draft| rowgate_rbac::change::roles::create_for_organization(draft, &organization, &custom))
        .unwrap();
    world
        .run(|draft| {
            let role = rowgate_rbac::change::roles::own(draft, &organization, "org-lead")?;
            rowgate_rbac::change::role_permissions::add(draft, &role, "project:edit")
        })
        .unwrap();
    let mut flat = guide();
    flat.types = vec![
        ty("workspace", &["organization"]),
        ty("project", &["organization"]),
        ty("app", &["project", "workspace"]),
    ];
    flat.roles.retain(|entry| entry.slug != "workspace-editor");
    flat.roles
        .push(role("workspace-editor", "workspace", &["workspace:view"]));
    refused(plan(&mut world, &flat, false), "resource_type_in_use");
}
