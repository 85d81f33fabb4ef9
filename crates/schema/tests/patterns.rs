//! Every modelling pattern of the product's guide, written anew: each resolves without a word.

mod support;

use support::{clean, rule_of};

#[test]
fn quick_start() {
    let model = clean(
        "version 0.3

type user

type team
    relation member [user]

type report
    relation parent [team]
    relation owner [user]
    relation editor [user]
    relation viewer [user]

    inherit editor if
        relation owner

    inherit viewer if
        any_of
            relation editor
            relation member on parent [team]
",
    );
    assert_eq!(
        rule_of(model.schema(), "report#viewer"),
        "any_of(editor, member on parent [team])"
    );
}

#[test]
fn organization_roles_list_a_type_that_is_not_defined() {
    let (_, warnings) = rowgate_schema::compile(
        "version 0.2
type user
type organization
    relation role_admin [user]
    relation role_read_only [user]
    relation can_read_members [role]
    relation can_write_members [role]
    inherit role_read_only if
        relation role_admin
    inherit can_write_members if
        relation role_admin
    inherit can_read_members if
        any_of
            relation can_write_members
            relation role_read_only
",
    )
    .unwrap();
    assert_eq!(support::codes(&warnings), ["unknown_type", "unknown_type"]);
}

#[test]
fn custom_roles_use_a_relation_as_its_own_edge() {
    let model = clean(
        "version 0.3
type user
type role
    relation member [user]
type organization
    relation can_write [role]
    relation can_read [role]
    inherit can_write if
        relation member on can_write [role]
    inherit can_read if
        any_of
            relation can_write
            relation member on can_read [role]
",
    );
    assert_eq!(
        rule_of(model.schema(), "organization#can_write"),
        "member on can_write [role]"
    );
}

#[test]
fn nested_documents() {
    let model = clean(
        "version 0.3
type user
type document
    relation parent [document]
    relation role_owner [user]
    relation role_editor [user]
    relation role_viewer [user]
    relation can_read []
    relation can_write []
    relation can_share []

    inherit role_owner if
        relation role_owner on parent [document]
    inherit role_editor if
        any_of
            relation role_owner
            relation role_editor on parent [document]
    inherit role_viewer if
        any_of
            relation role_editor
            relation role_viewer on parent [document]
    inherit can_read if
        relation role_viewer
    inherit can_write if
        relation role_editor
    inherit can_share if
        relation role_owner
",
    );
    assert!(!model.accepts("document", "can_read", "user", None, false));
}

#[test]
fn managed_service_providers() {
    clean(
        "version 0.3
type user
type provider
    relation admin [user]
    relation technician [user]
type client
    relation admin [user]
type project
    relation client [client]
    relation provider [provider]
    relation editor []
    inherit editor if
        any_of
            relation admin on client [client]
            relation admin on provider [provider]
            relation technician on provider [provider]
type task
    relation project [project]
    relation edit []
    inherit edit if
        relation editor on project [project]
type asset
    relation project [project]
    relation view []
    inherit view if
        relation editor on project [project]
",
    );
}

#[test]
fn user_groups() {
    clean(
        "version 0.3
type user
type organization
    relation admin [user]
    relation document_manager [user]
    inherit document_manager if
        relation admin
type document
    relation parent [organization]
    relation edit [user, organization#admin]
    inherit edit if
        relation document_manager on parent [organization]
",
    );
}

#[test]
fn entitlements() {
    clean(
        r#"version 0.3
type user
type organization
    relation admin [user]
    relation free_subscriber []
    relation pro_subscriber []
    relation feature_projects []
    inherit pro_subscriber if
        all_of
            relation admin
            policy on_pro
    inherit free_subscriber if
        any_of
            policy on_free
            policy on_pro
    inherit feature_projects if
        relation pro_subscriber
type project
    relation owner [organization]
    relation view []
    inherit view if
        relation feature_projects on owner [organization]

policy on_free(subscription map) {
    subscription.plan == "free"
}

policy on_pro(subscription map) {
    subscription.plan == "pro"
}
"#,
    );
}

#[test]
fn public_access() {
    clean(
        r#"version 0.3
type user
type article
    relation viewer [user]
    inherit viewer if
        policy is_public
policy is_public(article map) {
    article.visibility == "public" && article.status == "published"
}
"#,
    );
}

#[test]
fn superusers() {
    clean(
        r#"version 0.3
type user
type store
    relation editor [user]
    relation viewer [user]
    inherit editor if
        policy superuser
    inherit viewer if
        relation editor
policy superuser(user map) {
    user.email endsWith "@ourselves.example" && user.email_verified == true
}
"#,
    );
}

#[test]
fn blocklist() {
    let model = clean(
        "version 0.3
type user
type store
    relation member [user]
type item
    relation owner [store]
    relation blocked [user]
    relation view []
    inherit view if
        all_of
            relation member on owner [store]
            none_of
                relation blocked
                policy too_risky
policy too_risky(risk map) {
    risk.score > 75
}
",
    );
    assert_eq!(
        rule_of(model.schema(), "item#view"),
        "all_of(member on owner [store], none_of(blocked, policy too_risky))"
    );
}

#[test]
fn conditional_roles() {
    clean(
        "version 0.3
type user
type team
    relation finance_admin [user]
    relation finance_manager [user]
    inherit finance_manager if
        relation finance_admin
type expense
    relation approval_team [team]
    relation submitter [user]
    relation approve []
    inherit approve if
        any_of
            all_of
                relation finance_manager on approval_team [team]
                policy can_approve_amount
            all_of
                relation finance_admin on approval_team [team]
                policy is_high_value_expense
policy can_approve_amount(expense_attributes map, user_attributes map) {
    let in_cost_center = expense_attributes.cost_center in user_attributes.approved_cost_centers;
    let in_limit = expense_attributes.amount <= 1000;
    in_cost_center && in_limit
}
policy is_high_value_expense(expense_attributes map) {
    expense_attributes.amount > 1000
}
",
    );
}

#[test]
fn attributes_only() {
    clean(
        "version 0.3
type user
type safe
    relation open []
    inherit open if
        all_of
            policy business_hours
            policy known_device
policy business_hours(timestamp integer) {
    let second = timestamp % 86400;
    second >= 32400 && second < 61200
}
policy known_device(device string, devices array) {
    device in devices
}
",
    );
}

#[test]
fn attributes_in_the_context() {
    clean(
        r#"version 0.3
type user
type course
    relation attend []
    inherit attend if
        policy may_attend
policy may_attend(check map, user map, course map) {
    let enrolled = check.course_id in user.courses;
    let started = date(course.starts_at) <= now();
    let recent = now() - date(course.starts_at) < duration("90d");
    enrolled && started && recent
}
"#,
    );
}

#[test]
fn attributes_in_the_metadata() {
    clean(
        r#"version 0.3
type user
type course
    relation attend []
    inherit attend if
        policy may_attend
policy may_attend() {
    let course = get_metadata(check_ctx.resource_type, check_ctx.resource_id);
    let user = get_metadata(check_ctx.subject_type, check_ctx.subject_id);
    course?.department == user?.department && jwt_claim("org_id") == course?.org
}
"#,
    );
}

#[test]
fn rules_three_deep() {
    let model = clean(
        r#"version 0.3
type user
type staff_group
    relation member [user]
type org_role
    relation member [user]
type record
    relation internal_admin [staff_group]
    relation viewer [user, org_role]
    relation read []
    inherit read if
        any_of
            relation member on internal_admin [staff_group]
            all_of
                any_of
                    relation viewer
                    relation member on viewer [org_role]
                policy not_archived
policy not_archived(record map) {
    record.state != "archived"
}
"#,
    );
    assert_eq!(
        rule_of(model.schema(), "record#read"),
        "any_of(member on internal_admin [staff_group], all_of(any_of(viewer, member on viewer [org_role]), policy not_archived))"
    );
}
