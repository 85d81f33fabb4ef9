//! Every grant and every revocation has its entry, and nothing else has one.

use std::collections::{BTreeMap, BTreeSet};

use rowgate_rbac::change::assignments::{self, Placed};
use rowgate_rbac::change::people::{self, Gone, Person};
use rowgate_rbac::change::roles::{self, NewRole};
use rowgate_rbac::change::{
    group_assignments, groups, memberships, organizations, resources, role_permissions, types,
};
use rowgate_rbac::condition::Condition;
use serde_json::{Value, json};

use crate::world::{World, external, guide};

fn started() -> (World, String, String) {
    let mut world = World::new();
    world.types(&guide());
    let organization = world.organization("Acme");
    let membership = world.membership(&organization, "ann@example.com");
    world.resource(&organization, "workspace", "w1", None).unwrap();
    world
        .resource(&organization, "project", "p/1", Some(external("workspace", "w1")))
        .unwrap();
    world.said.clear();
    (world, organization, membership)
}

fn placed(role: &str, target: Option<rowgate_rbac::Target>) -> Placed {
    Placed {
        role: role.into(),
        target,
    }
}

/// The actions of what was said since, in order.
fn actions(world: &mut World) -> Vec<String> {
    let said = std::mem::take(&mut world.said);
    said.iter()
        .map(|entry| entry["action"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn an_assignment_and_its_end_say_who_what_and_where() {
    let (mut world, organization, om) = started();
    let viewer = placed("viewer", Some(external("project", "p/1")));
    world
        .run(|draft| assignments::assign(draft, &om, &viewer, None))
        .unwrap();
    let [made] = world.said.as_slice() else {
        panic!("{:?}", world.said)
    };
    assert_eq!(made["action"], "role_assignment.created");
    assert_eq!(made["actor"], json!({"type": "process"}));
    assert_eq!(made["organization_id"], organization);
    assert_eq!(made["organization_membership_id"], om);
    assert!(made["user_id"].as_str().unwrap().starts_with("user_"));
    assert_eq!(made["role_slug"], "viewer");
    let resource = world.read().organization(&organization).unwrap();
    let resource = world
        .read()
        .target(&resource, &external("project", "p/1"))
        .unwrap();
    assert_eq!(
        made["resource"],
        json!({"type_slug": "project", "external_id": "p/1", "id": resource.wire_id()})
    );
    assert_eq!(made["before"], Value::Null);
    assert_eq!(made["after"], json!({"expires_at": null, "condition": null}));
    world.said.clear();
    // What is there already is not granted again.
    world
        .run(|draft| assignments::assign(draft, &om, &viewer, None))
        .unwrap();
    assert_eq!(actions(&mut world), [""; 0]);
    let until = Condition {
        expires_at: Some("2030-01-01T00:00:00Z"),
        policy: Some("amount < 5"),
    };
    let until = until.write().unwrap();
    world
        .run(|draft| assignments::assign(draft, &om, &viewer, until.as_deref()))
        .unwrap();
    let [changed] = world.said.as_slice() else {
        panic!("{:?}", world.said)
    };
    assert_eq!(changed["action"], "role_assignment.updated");
    assert_eq!(changed["before"], json!({"expires_at": null, "condition": null}));
    assert_eq!(
        changed["after"],
        json!({"expires_at": "2030-01-01T00:00:00Z", "condition": "amount < 5"})
    );
    world.said.clear();
    world
        .run(|draft| assignments::unassign(draft, &om, &viewer))
        .unwrap();
    assert_eq!(actions(&mut world), ["role_assignment.removed"]);
}

#[test]
fn what_a_role_carries_is_told_before_and_after() {
    let (mut world, organization, _) = started();
    world
        .run(|draft| {
            let viewer = draft.read.environment_role("viewer")?;
            role_permissions::set(draft, &viewer, &["project:edit".to_owned()])
        })
        .unwrap();
    let [changed] = world.said.as_slice() else {
        panic!("{:?}", world.said)
    };
    assert_eq!(changed["action"], "role.permissions_changed");
    assert_eq!(changed["role_slug"], "viewer");
    assert_eq!(changed["before"], json!(["project:view"]));
    assert_eq!(changed["after"], json!(["project:edit"]));
    world.said.clear();
    let own = NewRole {
        slug: Some("org-own".into()),
        name: "Own".into(),
        description: None,
        resource_type: Some("workspace".into()),
    };
    world
        .run(|draft| roles::create_for_organization(draft, &organization, &own))
        .unwrap();
    assert_eq!(world.said[0]["action"], "role.created");
    assert_eq!(world.said[0]["organization_id"], organization);
    assert_eq!(world.said[0]["role_slug"], "org-own");
    assert_eq!(world.said[0]["after"], json!({"type": "workspace"}));
    world.said.clear();
    // A permission that is deleted is taken out of every role that carries it.
    world
        .run(|draft| rowgate_rbac::change::permissions::delete(draft, "project:edit"))
        .unwrap();
    let mut expected = vec!["role.permissions_changed"; 3];
    expected.push("permission.deleted");
    assert_eq!(actions(&mut world), expected);
}

#[test]
fn members_of_groups_come_and_go() {
    let (mut world, organization, om) = started();
    let group = world
        .run(|draft| groups::create(draft, &organization, "Team", None))
        .unwrap();
    let viewer = placed("viewer", Some(external("project", "p/1")));
    world
        .run(|draft| group_assignments::assign(draft, &group, &viewer))
        .unwrap();
    let add = [om.clone()];
    world
        .run(|draft| groups::patch_members(draft, &organization, &group, &add, &[]))
        .unwrap();
    assert_eq!(world.said[1]["group_id"], group);
    assert_eq!(world.said[1]["role_slug"], "viewer");
    assert_eq!(world.said[2]["organization_membership_id"], om);
    assert_eq!(
        actions(&mut world),
        [
            "group.created",
            "group_role_assignment.created",
            "group_member.added"
        ]
    );
    world
        .run(|draft| memberships::change_status(draft, &om, false))
        .unwrap();
    assert_eq!(world.said[0]["before"], json!({}));
    assert_eq!(world.said[0]["after"], json!({"status": "inactive"}));
    assert_eq!(actions(&mut world), ["organization_membership.deactivated"]);
    world
        .run(|draft| memberships::change_status(draft, &om, true))
        .unwrap();
    assert_eq!(actions(&mut world), ["organization_membership.reactivated"]);
    world
        .run(|draft| groups::delete(draft, &organization, &group))
        .unwrap();
    assert_eq!(
        actions(&mut world),
        [
            "group_member.removed",
            "group_role_assignment.removed",
            "group.deleted"
        ]
    );
}

#[test]
fn a_resource_that_moves_takes_its_access_along() {
    let (mut world, organization, _) = started();
    world.resource(&organization, "workspace", "w2", None).unwrap();
    assert_eq!(
        actions(&mut world),
        [""; 0],
        "a new resource grants nobody anything"
    );
    world
        .run(|draft| {
            let organization = draft.read.organization(&organization)?;
            let project = draft.read.target(&organization, &external("project", "p/1"))?;
            let change = resources::ResourceChange {
                parent: Some(external("workspace", "w2")),
                ..Default::default()
            };
            resources::update(draft, &project, &change)
        })
        .unwrap();
    assert_eq!(world.said[0]["before"]["parent"]["external_id"], "w1");
    assert_eq!(world.said[0]["after"]["parent"]["external_id"], "w2");
    assert_eq!(actions(&mut world), ["resource.moved"]);
}

#[test]
fn a_cascade_names_everything_that_it_takes() {
    let (mut world, organization, om) = started();
    for role in ["viewer", "workspace-editor"] {
        let target = match role {
            "viewer" => external("project", "p/1"),
            _ => external("workspace", "w1"),
        };
        world
            .run(|draft| assignments::assign(draft, &om, &placed(role, Some(target.clone())), None))
            .unwrap();
    }
    world.said.clear();
    world
        .run(|draft| organizations::delete(draft, &organization))
        .unwrap();
    let mut all = actions(&mut world);
    all.sort();
    assert_eq!(
        all,
        [
            "organization.deleted",
            "organization_membership.deleted",
            "resource.deleted",
            "resource.deleted",
            "role_assignment.removed",
            "role_assignment.removed",
            "role_assignment.removed",
        ]
    );
}

#[test]
fn types_and_people_are_told_too() {
    let mut world = World::new();
    world.said.clear();
    world.types(&guide());
    let all = actions(&mut world);
    let count = |action: &str| all.iter().filter(|known| *known == action).count();
    assert_eq!(count("resource_type.created"), 3);
    assert_eq!(count("permission.created"), 5);
    assert_eq!(count("role.created"), 4);
    assert_eq!(count("role.permissions_changed"), 4);
    world.run(|draft| types::apply(draft, &guide(), false)).unwrap();
    assert_eq!(actions(&mut world), [""; 0], "nothing changed");
    let ann = Person {
        line: 1,
        organization: Some("acme".into()),
        email: Some("ann@example.com".into()),
        roles: Some(vec!["admin".into()]),
        ..Person::default()
    };
    world
        .run(|draft| people::import(draft, std::slice::from_ref(&ann), Gone::Keep))
        .unwrap();
    let granted = world
        .said
        .iter()
        .find(|entry| entry["action"] == "role_assignment.created");
    let granted = granted.unwrap();
    assert_eq!(granted["role_slug"], "admin");
    assert_eq!(
        granted["resource"]["type_slug"], "organization",
        "of an organization that is only being created"
    );
    assert!(granted["user_id"].as_str().unwrap().starts_with("user_"));
    assert_eq!(actions(&mut world).len(), 4);
}

/// Whatever is done: replaying the entries gives what is assigned.
#[test]
fn the_entries_add_up_to_what_is_assigned() {
    let (mut world, organization, _) = started();
    let mut random = 11u64;
    let mut below = |bound: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % bound
    };
    // From the beginning: who has what by the entries, and who was granted it.
    let mut by_entries: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    let mut members: Vec<String> = Vec::new();
    for number in 0..4 {
        members.push(world.membership(&organization, &format!("m{number}@example.com")));
    }
    let group = world
        .run(|draft| groups::create(draft, &organization, "Team", None))
        .unwrap();
    let places = [
        ("viewer", Some(external("project", "p/1"))),
        ("workspace-editor", Some(external("workspace", "w1"))),
        ("admin", None),
        ("member", None),
    ];
    for _ in 0..400 {
        let om = members[below(members.len())].clone();
        let (role, target) = places[below(places.len())].clone();
        let placed = placed(role, target);
        let policy = (below(3) == 0).then(|| format!("amount < {}", below(3)));
        let what = below(9);
        // Refusals are as good as anything: then nothing is said.
        let _ = world.run(|draft| match what {
            0..=2 => assignments::assign(draft, &om, &placed, policy.as_deref()),
            3 => assignments::unassign(draft, &om, &placed),
            4 => memberships::change_status(draft, &om, policy.is_some()),
            5 => memberships::update(draft, &om, Some(&["member".to_owned()])),
            6 => group_assignments::assign(draft, &group, &placed),
            7 => group_assignments::unassign(draft, &group, &placed),
            _ => groups::patch_members(draft, &organization, &group, std::slice::from_ref(&om), &[]),
        });
    }
    for entry in &world.said {
        let text = |field: &str| entry[field].as_str().unwrap_or_default().to_owned();
        let holder = format!("{}{}", text("organization_membership_id"), text("group_id"));
        let key = (
            holder,
            text("role_slug"),
            entry["resource"]["id"].as_str().unwrap_or_default().to_owned(),
        );
        match entry["action"].as_str().unwrap() {
            "role_assignment.created" | "group_role_assignment.created" => {
                assert_eq!(by_entries.insert(key, 1), None, "{entry}");
            }
            "role_assignment.updated" => assert!(by_entries.contains_key(&key), "{entry}"),
            "role_assignment.removed" | "group_role_assignment.removed" => {
                assert!(by_entries.remove(&key).is_some(), "{entry}");
            }
            _ => {}
        }
    }
    let mut assigned = BTreeSet::new();
    for om in &members {
        for one in world.read().membership(om).unwrap().direct_assignments() {
            assigned.insert((om.clone(), one.role.slug().into_owned(), one.resource.wire_id()));
        }
    }
    for one in world.read().group(&group).unwrap().assignments() {
        assigned.insert((
            group.clone(),
            one.role.slug().into_owned(),
            one.resource.wire_id(),
        ));
    }
    assert_eq!(by_entries.into_keys().collect::<BTreeSet<_>>(), assigned);
}
