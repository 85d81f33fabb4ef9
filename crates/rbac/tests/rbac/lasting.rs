//! Roles that end or depend on the request, the one that everybody keeps, and their order.

use rowgate_rbac::change::roles::{self, NewRole};
use rowgate_rbac::change::{assignments, expiry, memberships};
use rowgate_rbac::condition::Condition;

use crate::changes::{placed, started};
use crate::world::{World, external, guide, refused, role};

#[test]
fn what_is_over_is_no_role_and_is_taken_away() {
    let (mut world, acme, om) = started();
    let mut types = guide();
    types.roles.push(role("guest", "organization", &[]));
    world.types(&types);
    let target = external("organization", &acme);
    let admin = placed("admin", None);
    let roles_of = |world: &World| -> Vec<String> {
        let membership = world.read().membership(&om).unwrap();
        let roles = membership.organization_roles(world.now);
        roles.iter().map(|slug| slug.to_string()).collect()
    };
    let until = |world: &World, seconds: i64| {
        let ends = jiff::Timestamp::from_microsecond(world.now + seconds * 1_000_000).unwrap();
        let condition = Condition {
            expires_at: Some(&ends.to_string()),
            policy: None,
        };
        condition.write().unwrap()
    };
    let soon = until(&world, 100);
    world
        .run(|draft| assignments::assign(draft, &om, &admin, soon.as_deref()))
        .unwrap();
    assert_eq!(roles_of(&world), ["admin", "member"]);
    // What counts under a condition only is none of the roles that everybody is shown.
    let conditional = placed("guest", None);
    world
        .run(|draft| assignments::assign(draft, &om, &conditional, Some("at_work")))
        .unwrap();
    assert_eq!(roles_of(&world), ["admin", "member"]);
    assert_eq!(expiry::over(world.read(), world.now, 10), []);
    world.now += 100_000_000;
    assert!(!world.may(&om, "org:manage", &target));
    assert_eq!(roles_of(&world), ["member"]);
    let over = expiry::over(world.read(), world.now, 10);
    let now = world.now;
    assert_eq!(world.run(|draft| expiry::end(draft, &over, now)).unwrap(), 1);
    assert_eq!(
        world.run(|draft| expiry::end(draft, &over, now)).unwrap(),
        0,
        "once"
    );
    let membership = world.read().membership(&om).unwrap();
    let left = membership.direct_assignments();
    let mut left: Vec<_> = left.iter().map(|one| one.role.slug()).collect();
    left.sort_unstable();
    assert_eq!(left, ["guest", "member"]);
    // One that was made longer meanwhile stays.
    let soon = until(&world, 10);
    world
        .run(|draft| assignments::assign(draft, &om, &admin, soon.as_deref()))
        .unwrap();
    world.now += 10_000_000;
    let (over, now) = (expiry::over(world.read(), world.now, 10), world.now);
    world
        .run(|draft| assignments::assign(draft, &om, &admin, None))
        .unwrap();
    assert_eq!(
        (
            over.len(),
            world.run(|draft| expiry::end(draft, &over, now)).unwrap()
        ),
        (1, 0)
    );
    assert!(world.may(&om, "org:manage", &target));
}

#[test]
fn every_membership_keeps_a_role_that_counts_always() {
    let (mut world, _, om) = started();
    let slugs = |world: &World| -> Vec<String> {
        let membership = world.read().membership(&om).unwrap();
        let own = membership.direct_assignments();
        let mut own: Vec<_> = own
            .iter()
            .map(|one| {
                format!(
                    "{} {}",
                    one.role.slug(),
                    one.condition().policy.unwrap_or("always")
                )
            })
            .collect();
        own.sort_unstable();
        own
    };
    let (admin, member) = (placed("admin", None), placed("member", None));
    let only = world.run(|draft| assignments::assign(draft, &om, &member, Some("at_work")));
    refused(only, "invalid_request_parameters");
    world
        .run(|draft| assignments::assign(draft, &om, &admin, Some("at_work")))
        .unwrap();
    let last = world.run(|draft| assignments::unassign(draft, &om, &member));
    refused(last, "bad_request");
    // With another one it can have a condition, and has it no longer when that one goes.
    world
        .run(|draft| assignments::assign(draft, &om, &admin, None))
        .unwrap();
    world
        .run(|draft| assignments::assign(draft, &om, &member, Some("at_work")))
        .unwrap();
    assert_eq!(slugs(&world), ["admin always", "member at_work"]);
    world
        .run(|draft| assignments::unassign(draft, &om, &admin))
        .unwrap();
    assert_eq!(slugs(&world), ["member always"]);
    // A list of roles is of roles without conditions.
    world
        .run(|draft| assignments::assign(draft, &om, &admin, Some("at_work")))
        .unwrap();
    let roles = ["admin".to_owned()];
    world
        .run(|draft| memberships::update(draft, &om, Some(&roles)))
        .unwrap();
    assert_eq!(slugs(&world), ["admin always"]);
}

#[test]
fn a_role_that_is_created_again_has_the_lowest_priority() {
    let (mut world, acme, _) = started();
    let new = NewRole {
        slug: Some("org-own".into()),
        name: "Own".into(),
        description: None,
        resource_type: None,
    };
    let order = |world: &World| -> Vec<String> {
        let read = world.read();
        let all = read.roles(&read.organization(&acme).unwrap());
        all.iter().map(|role| role.slug().into_owned()).collect()
    };
    world
        .run(|draft| roles::create_for_organization(draft, &acme, &new))
        .unwrap();
    let first = ["org-own".to_owned()];
    world
        .run(|draft| roles::set_priority(draft, Some(&acme), &first))
        .unwrap();
    assert_eq!(order(&world)[0], "org-own");
    let twice = ["org-own".to_owned(), "org-own".to_owned()];
    let twice = world.run(|draft| roles::set_priority(draft, Some(&acme), &twice));
    refused(twice, "invalid_request_parameters");
    world
        .run(|draft| {
            let role = roles::own(draft, &acme, "org-own")?;
            roles::delete(draft, &role)
        })
        .unwrap();
    world
        .run(|draft| roles::create_for_organization(draft, &acme, &new))
        .unwrap();
    assert_eq!(order(&world).last().unwrap(), "org-own");
}
