//! The two schemas as their authors published them, to the letter.

mod support;

use rowgate_schema::{compile, format, from_json, parse, to_json};
use support::{codes, rule_of};

const TICKETING: &str = include_str!("seeds/ticketing.fga");
const CONDITIONAL_ROLES: &str = include_str!("seeds/conditional-roles.fga");

#[test]
fn ticketing_has_neither_version_nor_indentation_and_means_what_it_says() {
    let (model, warnings) = compile(TICKETING).unwrap();
    assert_eq!(codes(&warnings), ["missing_version"]);
    assert_eq!(warnings[0].line_col(TICKETING), Some((1, 1)));
    assert_eq!(
        rule_of(model.schema(), "ticket#viewer"),
        "any_of(creator, assignee, admin on parent [organization], agent on parent [organization], \
         member on parent [organization])"
    );
    assert!(model.accepts("ticket", "viewer", "user", None, false));
    assert!(!model.accepts("ticket", "parent", "user", None, false));
    assert!(model.accepts("organization", "member", "user", None, true));
}

#[test]
fn ticketing_in_canonical_form() {
    insta::assert_snapshot!(format(&parse(TICKETING).schema.unwrap()), @r##"
    version 0.3

    type user

    type ticket
        relation assignee [user]
        relation creator [user]
        relation parent [organization]
        relation viewer [user]

        inherit viewer if
            any_of
                relation creator
                relation assignee
                relation admin on parent [organization]
                relation agent on parent [organization]
                relation member on parent [organization]

    type organization
        relation admin [user]
        relation agent [user]
        relation member [user]
    "##);
}

#[test]
fn conditional_roles_is_one_line_and_means_what_it_says() {
    let (model, warnings) = compile(CONDITIONAL_ROLES).unwrap();
    assert_eq!(
        rule_of(model.schema(), "expense#approve"),
        "any_of(all_of(finance_manager on approval_team [team], policy can_approve_amount), \
         all_of(finance_admin on approval_team [team], policy is_high_value_expense))"
    );
    assert_eq!(rule_of(model.schema(), "team#finance_manager"), "finance_admin");
    assert!(model.policy("can_approve_amount").is_some());
    assert!(model.policy("is_high_value_expense").is_some());
    assert!(!model.accepts("expense", "approve", "user", None, false));
    // Where each `all_of` ends is not certain, and the place is named.
    assert_eq!(codes(&warnings), ["ambiguous_layout", "ambiguous_layout"]);
    for (warning, policy) in warnings
        .iter()
        .zip(["can_approve_amount", "is_high_value_expense"])
    {
        let span = warning.span.unwrap();
        let place = &CONDITIONAL_ROLES[span.start as usize..span.end as usize];
        assert_eq!(place, std::format!("policy {policy}"));
    }
}

#[test]
fn conditional_roles_in_canonical_form() {
    insta::assert_snapshot!(format(&parse(CONDITIONAL_ROLES).schema.unwrap()), @r##"
    version 0.3

    type user

    type team
        relation finance_admin [user]
        relation finance_manager [user]

        inherit finance_manager if
            relation finance_admin

    type expense
        relation approval_team [team]
        relation approve []
        relation submitter [user]

        inherit approve if
            any_of
                all_of
                    relation finance_manager on approval_team [team]
                    policy can_approve_amount
                all_of
                    relation finance_admin on approval_team [team]
                    policy is_high_value_expense

    policy can_approve_amount(expense_attributes map, user_attributes map) {
        let can_approve_cost_center = expense_attributes.cost_center in user_attributes.approved_cost_centers; let can_approve_amount = expense_attributes.amount <= 1000; can_approve_cost_center && can_approve_amount
    }

    policy is_high_value_expense(expense_attributes map) {
        expense_attributes.amount > 1000
    }
    "##);
}

#[test]
fn the_canonical_form_says_the_same_without_a_warning_about_layout() {
    for source in [TICKETING, CONDITIONAL_ROLES] {
        let schema = parse(source).schema.unwrap();
        let canonical = format(&schema);
        let again = parse(&canonical);
        assert_eq!(again.diagnostics, []);
        assert_eq!(format(&again.schema.unwrap()), canonical);
        assert_eq!(from_json(&to_json(&schema)).schema.unwrap(), schema);
    }
}
