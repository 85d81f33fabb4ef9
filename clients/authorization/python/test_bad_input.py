"""What applications get wrong: the exception of the client, with its code, and nothing changed."""

import urllib.request

from harness import ClientTest, load
from workos import AuthenticationError, BadRequestError, ConflictError, NotFoundError, UnprocessableEntityError
from workos.authorization import ParentResourceById, ResourceTargetByExternalId, ResourceTargetById

ODD = ["a:b", "a b", "a/b", "a?b#c", "100%", "🦀", "ä", "'", '"', "<b>", "..a", "%2F", "+", "\\"]


def cases(test):
    """The case, the call, and what it raises."""
    client, ids = test.client, test.ids
    api, memberships, users = client.authorization, client.organization_membership, client.user_management
    project = ResourceTargetById(resource_id=ids["project"])
    workspace = ResourceTargetById(resource_id=ids["workspace"])
    theirs = ResourceTargetById(resource_id=ids["theirs"])
    new = {"organization_id": ids["org"], "resource_type_slug": "project", "external_id": "new", "name": "N"}

    def under(resource, **more):
        return lambda: api.create_resource(**{**new, **more}, parent_resource=ParentResourceById(parent_resource_id=resource))

    def check(om, target):
        return lambda: api.check(om, permission_slug="project:view", resource_target=target)

    def assign(role, target):
        return lambda: api.assign_role(ids["om"], role_slug=role, resource_target=target)

    nothing = ResourceTargetByExternalId(resource_external_id="nothing", resource_type_slug="project")
    missing, fields = "entity_not_found", "invalid_request_parameters"
    return [
        ("unknown permission", lambda: api.get_permission("no:such"), NotFoundError, missing),
        ("unknown role", lambda: api.get_environment_role("none"), NotFoundError, missing),
        ("unknown role to assign", assign("none", project), NotFoundError, missing),
        ("unknown type", lambda: api.create_resource(**{**new, "resource_type_slug": "none"}), NotFoundError, missing),
        ("unknown membership", check("om_none", project), NotFoundError, missing),
        ("unknown resource", check(ids["om"], nothing), NotFoundError, missing),
        ("role of another type", assign("editor", workspace), UnprocessableEntityError, "invalid_role"),
        ("resource of another organization", assign("lead", theirs), NotFoundError, missing),
        ("membership of another organization", check(ids["stranger"], project), NotFoundError, missing),
        ("no parent", lambda: api.create_resource(**new), UnprocessableEntityError, None),
        ("parent of a wrong type", under(ids["project"]), UnprocessableEntityError, None),
        ("parent in another organization", under(ids["theirs"]), NotFoundError, missing),
        (
            "under what is below it",
            lambda: api.update_resource(ids["workspace"], parent_resource=ParentResourceById(ids["project"])),
            UnprocessableEntityError,
            None,
        ),
        ("external id with an emoji", under(ids["workspace"], external_id="🦀"), UnprocessableEntityError, fields),
        ("external id that is too long", under(ids["workspace"], external_id="x" * 129), UnprocessableEntityError, fields),
        ("external id twice", under(ids["workspace"], external_id="e1"), ConflictError, "authorization_resource_external_id_conflict"),
        ("permission slug with capitals", lambda: api.create_permission(slug="A", name="A"), UnprocessableEntityError, fields),
        ("name that is too long", lambda: api.create_permission(slug="a", name="a" * 49), UnprocessableEntityError, fields),
        ("permission twice", lambda: api.create_permission(slug="project:view", name="A"), ConflictError, "permission_slug_conflict"),
        ("role twice", lambda: api.create_environment_role(slug="editor", name="A"), ConflictError, "role_slug_conflict"),
        ("deletion with children", lambda: api.delete_resource(ids["workspace"]), ConflictError, "resource_has_dependents"),
        ("deletion with assignments", lambda: api.delete_resource(ids["project"]), ConflictError, "resource_has_dependents"),
        ("what is not assigned", lambda: api.remove_role(ids["om"], role_slug="lead", resource_target=workspace), NotFoundError, missing),
        ("no filter", lambda: api.list_resources(), BadRequestError, "missing_organization_id_or_resource_type_slug"),
        ("no such page", lambda: api.list_permissions(limit=1000), UnprocessableEntityError, fields),
        ("mail address twice", lambda: users.create_user(email="ANN@example.com"), BadRequestError, "user_creation_error"),
        ("mail address that is none", lambda: users.create_user(email="ann"), UnprocessableEntityError, fields),
        (
            "membership twice",
            lambda: memberships.create_organization_membership(user_id=ids["user"], organization_id=ids["org"]),
            ConflictError,
            "user_already_organization_member",
        ),
        ("a path that is not built", lambda: users.list_invitations(), NotFoundError, "not_found"),
        ("a wrong key", lambda: test.connect("sk_wrong").authorization.list_permissions(), AuthenticationError, "unauthorized"),
    ]


class BadInput(ClientTest):
    modules = ("authorization",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        client, wait = cls.client, cls.wait
        cls.ids = ids = {}

        def member(name, mail, org):
            ids[f"{name}_user"] = wait(client.user_management.create_user(email=mail)).id
            new = {"user_id": ids[f"{name}_user"], "organization_id": org}
            return wait(client.organization_membership.create_organization_membership(**new)).id

        def resource(org, kind, name, parent=None):
            under = ParentResourceById(parent_resource_id=parent) if parent else None
            new = {"organization_id": org, "resource_type_slug": kind, "external_id": name, "name": name}
            return wait(client.authorization.create_resource(**new, parent_resource=under)).id

        ids["org"] = wait(client.organizations.create_organization(name="Acme")).id
        other = wait(client.organizations.create_organization(name="Other")).id
        ids["om"], ids["stranger"] = member("ann", "ann@example.com", ids["org"]), member("bob", "bob@example.com", other)
        ids["user"] = ids["ann_user"]
        ids["workspace"] = resource(ids["org"], "workspace", "w1")
        ids["project"] = resource(ids["org"], "project", "e1", ids["workspace"])
        ids["theirs"] = resource(other, "workspace", "w1")
        target = ResourceTargetById(resource_id=ids["project"])
        wait(client.authorization.assign_role(ids["om"], role_slug="editor", resource_target=target))

    def everything(self):
        """All that the environment has."""
        request = urllib.request.Request(
            f"{self.behind.server.url}/rowgate/v1/export",
            headers={"Authorization": f"Bearer {self.behind.server.api_key}"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.read()

    def test_refusals(self):
        before = self.everything()
        for name, call, exception, code in cases(self):
            with self.subTest(name):
                with self.assertRaises(exception) as caught:
                    self.wait(call())
                error = caught.exception
                self.assertIs(type(error), exception)
                self.assertTrue(error.message and error.request_id, error)
                self.assertEqual(error.code, code or error.code)
                self.assertEqual(self.everything(), before, "nothing changed")

    def test_odd_names_lead_nowhere(self):
        api, org = self.authorization, self.ids["org"]
        before = self.everything()
        for odd in ODD:
            for call in (
                lambda: api.get_permission(odd),
                lambda: api.get_environment_role(odd),
                lambda: api.get_resource(odd),
                lambda: api.get_resource_by_external_id(org, "project", odd),
            ):
                with self.subTest(odd), self.assertRaises(NotFoundError):
                    call()
        self.assertEqual(self.everything(), before, "nothing changed")

    def test_odd_external_ids_are_found_again(self):
        api, org = self.authorization, self.ids["org"]
        for odd in (name for name in ODD if name.isascii()):
            with self.subTest(odd):
                new = {"organization_id": org, "resource_type_slug": "workspace", "external_id": odd, "name": "N"}
                made = api.create_resource(**new)
                self.assertEqual(api.get_resource_by_external_id(org, "workspace", odd), made)
                api.delete_resource_by_external_id(org, "workspace", odd)


def load_tests(*_):
    return load(BadInput)
