"""Every method that the client has for organizations, users, memberships, groups and keys; what Rowgate is not for is in `not-for.json`."""

import base64
import os

from cryptography import x509
from harness import CLIENT_ID, NOT_FOR, ClientTest, load
from workos import AuthenticationError, BadRequestError, ConflictError, NotFoundError, UnprocessableEntityError
from workos.organization_membership import RoleMultiple, RoleSingle
from workos.session import seal_session_from_auth_response


class Identity(ClientTest):
    modules = ("organizations", "user_management", "organization_membership", "groups")

    def test_01_organizations(self):
        api = self.organizations
        org = api.create_organization(name="Acme", external_id="cust-1", metadata={"plan": "team"}, domains=["acme.example"])
        self.assertEqual((org.name, org.external_id, org.metadata), ("Acme", "cust-1", {"plan": "team"}))
        self.assertEqual([domain.domain for domain in org.domains], ["acme.example"])
        self.assertEqual(api.get_organization(org.id), org)
        self.assertEqual(api.get_organization_by_external_id("cust-1"), org)
        self.assertEqual(api.update_organization(org.id, name="Acme 2").name, "Acme 2")
        other = api.create_organization(name="Other")
        self.assertEqual([one.id for one in self.rows(api.list_organizations())], [other.id, org.id])
        self.assertEqual([one.id for one in self.rows(api.list_organizations(search="acme"))], [org.id])
        self.assertEqual([one.id for one in self.rows(api.list_organizations(domains=["a.example", "acme.example"]))], [org.id])
        with self.assertRaises(BadRequestError) as caught:
            api.create_organization(name="B", external_id="cust-1")
        self.assertEqual(caught.exception.code, "external_id_already_used")
        api.delete_organization(other.id)
        with self.assertRaises(NotFoundError):
            api.get_organization(other.id)
        type(self).org = org

    def test_02_users(self):
        api = self.user_management
        made = api.create_user(email="ann@example.com", first_name="Ann", external_id="u-1", metadata={"a": "b"})
        ann = api.get_user(made.id)
        for user in (made, ann):
            self.assertEqual((user.first_name, user.last_name, user.email_verified), ("Ann", None, False))
            self.assertEqual((user.external_id, user.metadata), ("u-1", {"a": "b"}))
        self.assertEqual(api.get_user_by_external_id("u-1"), ann)
        self.assertEqual(api.update_user(ann.id, last_name="Arbor").last_name, "Arbor")
        bob = api.create_user(email="bob@example.com")
        self.assertEqual([one.id for one in self.rows(api.list_users())], [bob.id, ann.id])
        self.assertEqual([one.id for one in self.rows(api.list_users(email="ann@example.com"))], [ann.id])
        with self.assertRaises(BadRequestError) as caught:
            api.create_user(email="ANN@example.com")
        self.assertEqual(caught.exception.code, "user_creation_error")
        api.delete_user(bob.id)
        with self.assertRaises(NotFoundError):
            api.get_user(bob.id)
        type(self).ann = ann

    def test_03_memberships(self):
        api, new = self.organization_membership, {"user_id": self.ann.id, "organization_id": self.org.id}
        om = api.create_organization_membership(**new, role=RoleSingle(role_slug="admin"))
        self.assertEqual((om.status, om.role.slug), ("active", "admin"))
        self.assertEqual(api.get_organization_membership(om.id), om)
        both = api.update_organization_membership(om.id, role=RoleMultiple(role_slugs=["member", "admin"]))
        self.assertEqual([role.slug for role in both.roles], ["admin", "member"])
        with self.assertRaises(ConflictError) as caught:
            api.create_organization_membership(**new)
        self.assertEqual(caught.exception.code, "user_already_organization_member")
        self.assertEqual(api.deactivate_organization_membership(om.id).status, "inactive")
        self.assertEqual(self.rows(api.list_organization_memberships(user_id=self.ann.id)), [])
        found = self.rows(api.list_organization_memberships(user_id=self.ann.id, statuses=["active", "inactive"]))
        self.assertEqual([one.id for one in found], [om.id])
        self.assertEqual(api.reactivate_organization_membership(om.id).status, "active")
        with self.assertRaises(UnprocessableEntityError) as caught:
            api.update_organization_membership(om.id, role=RoleSingle(role_slug="editor"))
        self.assertEqual(caught.exception.code, "sub_resource_scoped_role_not_allowed")
        with self.assertRaises(BadRequestError) as caught:
            api.list_organization_memberships()
        self.assertEqual(caught.exception.code, "missing_user_id_or_organization_id")
        api.delete_organization_membership(om.id)
        with self.assertRaises(NotFoundError):
            api.get_organization_membership(om.id)
        type(self).om = api.create_organization_membership(**new)

    def test_04_groups(self):
        api, org, om = self.groups, self.org.id, self.om.id
        group = api.create_organization_group(org, name="Engineering", description="Builds")
        self.assertEqual(api.get_organization_group(org, group.id), group)
        changed = api.update_organization_group(org, group.id, name="Builders")
        self.assertEqual((changed.name, changed.description), ("Builders", "Builds"))
        self.assertEqual([one.id for one in self.rows(api.list_organization_groups(org))], [group.id])
        joined = api.create_group_organization_membership(org, group.id, organization_membership_id=om)
        self.assertEqual(joined.id, group.id)
        members = self.rows(api.list_group_organization_memberships(org, group.id))
        self.assertEqual([(one.id, one.user.id) for one in members], [(om, self.ann.id)])
        mine = self.rows(self.organization_membership.list_organization_membership_groups(om))
        self.assertEqual([one.id for one in mine], [group.id])
        if hasattr(self.client.groups, "update_group_organization_memberships"):
            api.update_group_organization_memberships(org, group.id, remove=[om])
            self.assertEqual(self.rows(api.list_group_organization_memberships(org, group.id)), [])
            api.update_group_organization_memberships(org, group.id, add=[om])
        api.delete_group_organization_membership(org, group.id, om)
        api.delete_organization_group(org, group.id)
        with self.assertRaises(NotFoundError):
            api.get_organization_group(org, group.id)

    def test_05_keys(self):
        api = self.user_management
        self.assertEqual(api.get_jwks_url(CLIENT_ID), f"{self.behind.url}/sso/jwks/{CLIENT_ID}")
        asked = {"user": self.ann.id, "organization": self.org.id, "roles": ["admin"], "permissions": ["project:view"]}
        status, minted = self.behind.server.request("POST", "/rowgate/v1/tokens", asked)
        self.assertEqual(status, 200, minted)
        (key,) = api.get_jwks(CLIENT_ID).keys
        self.assertEqual((key.alg, key.kid), ("RS256", minted["key_id"]))
        certificate = x509.load_der_x509_certificate(base64.b64decode(key.x_5_c[0]))
        certificate.verify_directly_issued_by(certificate)
        number = int.from_bytes(base64.urlsafe_b64decode(key.n + "=="), "big")
        self.assertEqual(certificate.public_key().public_numbers().n, number)
        password = base64.urlsafe_b64encode(os.urandom(32)).decode()
        sealed = {
            "session_data": seal_session_from_auth_response(
                access_token=minted["token"], refresh_token="none", user={"id": self.ann.id}, cookie_password=password
            ),
            "cookie_password": password,
        }
        for session in (
            self.wait(api.load_sealed_session(**sealed).authenticate()),
            api.authenticate_with_session_cookie(**sealed),
        ):
            self.assertTrue(session.authenticated, session)
            self.assertEqual((session.organization_id, session.role), (self.org.id, "admin"))
            self.assertEqual((session.roles, session.permissions), (["admin"], ["project:view"]))
        with self.assertRaises(NotFoundError):
            api.get_jwks("client_nobody")

    def test_06_a_wrong_key(self):
        with self.assertRaises(AuthenticationError):
            self.wait(self.connect("sk_wrong").organizations.get_organization(self.org.id))

    def test_07_every_method_was_called(self):
        self.all_called(80)

    def test_08_what_rowgate_is_not_for(self):
        """The list names each method once, and none that is not there in some version."""
        listed = [method for methods in NOT_FOR.values() for method in methods]
        self.assertEqual(len(listed), len(set(listed)))
        if hasattr(self.client.groups, "update_group_organization_memberships"):
            known = [method for name in self.modules for method in getattr(self, name).methods()]
            self.assertEqual([method for method in listed if method not in known], [])


def load_tests(*_):
    return load(Identity)
