//! Organizations, users and memberships from a list.

use rowgate_rbac::change::people::{self, Gone, Person};
use rowgate_rbac::change::types::{Action, Step};
use rowgate_rbac::change::{memberships, organizations, users};
use rowgate_rbac::record::Status;
use rowgate_rbac::{Error, Result};

use crate::world::{World, guide};

fn person(line: usize, email: &str, organization: &str, roles: &[&str]) -> Person {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Person {
        line,
        organization: given(organization),
        email: given(email),
        roles: (!roles.is_empty()).then(|| roles.iter().map(|role| (*role).to_owned()).collect()),
        ..Person::default()
    }
}

fn import(world: &mut World, people: &[Person], gone: Gone) -> Result<Vec<Step>> {
    world.run(|draft| people::import(draft, people, gone))
}

fn world() -> World {
    let mut world = World::new();
    world.types(&guide());
    world
}

/// As `create organization acme`.
fn lines(plan: &[Step]) -> Vec<String> {
    let line = |step: &Step| format!("{} {} {}", step.action.word(), step.kind, step.slug);
    plan.iter().map(line).collect()
}

fn roles(world: &World, organization: &str, email: &str) -> (Status, Vec<String>) {
    let read = world.read();
    let organization = read.organization_by_external_id(organization).unwrap();
    let user = read.user_by_email(email).unwrap();
    let mut memberships = user.memberships();
    let membership = memberships
        .find(|one| one.organization().unwrap().id() == organization.id())
        .unwrap();
    let slugs = membership.organization_roles(world.now);
    (
        membership.status(),
        slugs.into_iter().map(|slug| slug.into_owned()).collect(),
    )
}

#[track_caller]
fn wrong(outcome: Result<Vec<Step>>) -> Vec<String> {
    match outcome {
        Err(Error::Fields(errors)) => errors.into_iter().map(|error| error.message).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_list_can_be_brought_in_again() {
    let mut world = world();
    let mut people = vec![
        person(1, "ann@example.com", "acme", &["admin"]),
        person(2, "bob@example.com", "acme", &[]),
        person(3, "ann@example.com", "beta", &[]),
        person(4, "", "gamma", &[]),
        person(5, "cid@example.com", "", &[]),
    ];
    people[0].organization_name = Some("Acme Ltd".into());
    people[0].external_id = Some("7".into());
    people[0].first_name = Some("Ann".into());
    let plan = import(&mut world, &people, Gone::Keep).unwrap();
    assert_eq!(
        lines(&plan),
        [
            "create organization acme",
            "create organization beta",
            "create organization gamma",
            "create user ann@example.com",
            "create user bob@example.com",
            "create user cid@example.com",
            "create organization_membership ann@example.com in acme",
            "create organization_membership bob@example.com in acme",
            "create organization_membership ann@example.com in beta",
        ]
    );
    assert_eq!(
        roles(&world, "acme", "ann@example.com"),
        (Status::Active, vec!["admin".to_owned()])
    );
    assert_eq!(roles(&world, "acme", "bob@example.com").1, ["member"]);
    let acme = world.read().organization_by_external_id("acme").unwrap();
    assert_eq!(acme.name(), "Acme Ltd");
    assert_eq!(import(&mut world, &people, Gone::Keep).unwrap(), []);
    // The same user by the external id alone, with another mail address and another role.
    let mut later = person(1, "anna@example.com", "acme", &["member", "admin"]);
    later.external_id = Some("7".into());
    later.last_name = Some("Lee".into());
    let plan = import(&mut world, &[later], Gone::Keep).unwrap();
    assert_eq!(
        lines(&plan),
        [
            "update user anna@example.com",
            "update organization_membership anna@example.com in acme"
        ]
    );
    assert_eq!(plan[0].detail, "email, last_name");
    assert!(world.read().user_by_email("ann@example.com").is_none());
    let user = world.read().user_by_email("anna@example.com").unwrap();
    assert_eq!(user.text("first_name"), Some("Ann"), "what is not said stays");
}

#[test]
fn members_who_are_gone_stay_unless_asked_otherwise() {
    let mut world = world();
    let all = [
        person(1, "ann@example.com", "acme", &["admin"]),
        person(2, "bob@example.com", "acme", &["admin"]),
        person(3, "bob@example.com", "beta", &[]),
    ];
    import(&mut world, &all, Gone::Keep).unwrap();
    assert_eq!(import(&mut world, &all[..1], Gone::Keep).unwrap(), []);
    let plan = import(&mut world, &all[..1], Gone::Deactivate).unwrap();
    assert_eq!(
        lines(&plan),
        ["update organization_membership bob@example.com in acme"]
    );
    assert_eq!(roles(&world, "acme", "bob@example.com").0, Status::Inactive);
    assert_eq!(
        roles(&world, "beta", "bob@example.com").0,
        Status::Active,
        "an organization that is not in the list"
    );
    assert_eq!(import(&mut world, &all[..1], Gone::Deactivate).unwrap(), []);
    // In the list again, he gets back what he had.
    let back = person(1, "bob@example.com", "acme", &[]);
    let plan = import(&mut world, &[all[0].clone(), back], Gone::Remove).unwrap();
    assert_eq!(plan[0].detail, "activated again");
    assert_eq!(
        roles(&world, "acme", "bob@example.com"),
        (Status::Active, vec!["admin".to_owned()])
    );
    let plan = import(&mut world, &all[..1], Gone::Remove).unwrap();
    assert_eq!(plan[0].action, Action::Delete);
    let bob = world.read().user_by_email("bob@example.com").unwrap();
    assert_eq!(
        bob.memberships().count(),
        1,
        "the user and the other membership stay"
    );
}

#[test]
fn every_entry_that_is_wrong_is_told_and_nothing_is_changed() {
    let mut world = world();
    world.said.clear();
    let mut named_twice = person(7, "dan@example.com", "", &[]);
    named_twice.first_name = Some("Daniel".into());
    let mut dan = person(6, "dan@example.com", "", &[]);
    dan.first_name = Some("Dan".into());
    let people = [
        person(1, "ann@example.com", "acme", &["nobody"]),
        person(2, "bob@example.com", "acme", &["viewer"]),
    ];
    let errors = wrong(import(&mut world, &people, Gone::Keep));
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[0].starts_with("line 1: Role 'nobody'"), "{errors:?}");
    assert!(errors[1].starts_with("line 2: Sub-resource scoped"), "{errors:?}");
    let nobody = Person {
        line: 8,
        ..Person::default()
    };
    let people = [
        person(1, "ann@example.com", "acme", &[]),
        person(2, "ANN@example.com", "acme", &[]),
        person(3, "", "acme", &["admin"]),
        person(4, "bob@example.com", "", &["admin"]),
        person(5, "bob@example.com", "org_01JZ7W3Q0X8S2N4V6B1C5D9E7F", &[]),
        dan,
        named_twice,
        nobody,
    ];
    let errors = wrong(import(&mut world, &people, Gone::Keep));
    for (line, what) in [
        (2, "another email"),
        (2, "the same user in the same organization"),
        (3, "whom is it about"),
        (4, "roles need an organization"),
        (5, "there is no organization"),
        (7, "another first_name than on line 6"),
        (8, "whom is it about"),
    ] {
        let start = format!("line {line}: ");
        let found = errors
            .iter()
            .any(|error| error.starts_with(&start) && error.contains(what));
        assert!(found, "{line} {what}: {errors:?}");
    }
    assert_eq!(world.said, [serde_json::Value::Null; 0], "nothing was changed");
    assert_eq!(world.read().organizations().count(), 0);
}

#[test]
fn a_user_who_is_two_people_is_refused() {
    let mut world = world();
    let with_id = |line: usize, email: &str, id: &str| Person {
        external_id: Some(id.into()),
        ..person(line, email, "", &[])
    };
    let people = [
        with_id(1, "ann@example.com", "7"),
        with_id(2, "bob@example.com", "8"),
    ];
    import(&mut world, &people, Gone::Keep).unwrap();
    let errors = wrong(import(
        &mut world,
        &[with_id(1, "bob@example.com", "7")],
        Gone::Keep,
    ));
    assert!(errors[0].contains("the external_id is that of"), "{errors:?}");
    let errors = wrong(import(
        &mut world,
        &[with_id(1, "bob@example.com", "9")],
        Gone::Keep,
    ));
    assert!(errors[0].contains("has the external_id '8'"), "{errors:?}");
    let mut by_id = with_id(2, "", "7");
    by_id.email = None;
    let errors = wrong(import(
        &mut world,
        &[person(1, "ann@example.com", "", &[]), by_id.clone()],
        Gone::Keep,
    ));
    assert!(errors[0].contains("the same user as on line 1"), "{errors:?}");
    by_id.external_id = Some("nobody".into());
    let errors = wrong(import(&mut world, &[by_id], Gone::Keep));
    assert!(errors[0].contains("needs an email"), "{errors:?}");
}

#[test]
fn organizations_go_by_id_too_and_pending_members_are_left_alone() {
    let mut world = world();
    let id = world
        .run(|draft| {
            let fields = organizations::OrganizationFields {
                name: Some("Acme".into()),
                ..Default::default()
            };
            organizations::create(draft, &fields, None)
        })
        .unwrap();
    let user = world
        .run(|draft| {
            let fields = users::UserFields {
                email: Some("ann@example.com".into()),
                ..Default::default()
            };
            users::create(draft, &fields, None)
        })
        .unwrap();
    world
        .run(|draft| memberships::create(draft, &user, &id, None, None))
        .unwrap();
    let people = [person(1, "Ann@Example.com", &id, &["admin"])];
    let plan = import(&mut world, &people, Gone::Keep).unwrap();
    assert_eq!(lines(&plan).len(), 2, "{plan:?}");
    let user = world.read().user(&user).unwrap();
    assert_eq!(user.email(), "Ann@Example.com");
    assert_eq!(
        user.memberships().next().unwrap().organization_roles(world.now),
        ["admin"]
    );
}
