"""Every method of `client.authorization`."""

from harness import ClientTest, load
from workos import BadRequestError, ConflictError, NotFoundError, UnprocessableEntityError
from workos.authorization import (
    ParentByExternalId,
    ParentById,
    ParentResourceByExternalId,
    ParentResourceById,
    ReplaceGroupRoleAssignmentEntry,
    ResourceTargetByExternalId,
    ResourceTargetById,
)

WORKSPACE = ResourceTargetByExternalId(resource_external_id="w1", resource_type_slug="workspace")


class Authorization(ClientTest):
    modules = ("authorization",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        client, wait = cls.client, cls.wait
        cls.org = wait(client.organizations.create_organization(name="Acme", external_id="cust-1"))
        user = wait(client.user_management.create_user(email="ann@example.com"))
        memberships = client.organization_membership
        cls.om = wait(memberships.create_organization_membership(user_id=user.id, organization_id=cls.org.id))

    def may(self, permission, target):
        asked = self.authorization.check(self.om.id, permission_slug=permission, resource_target=target)
        return asked.authorized

    def test_01_permissions(self):
        api = self.authorization
        made = api.create_permission(slug="p:r", name="Read", description=None, resource_type_slug="project")
        self.assertEqual((made.slug, made.name, made.description, made.system), ("p:r", "Read", None, False))
        self.assertEqual(api.get_permission("p:r"), made)
        changed = api.update_permission("p:r", name="Read it", description="Reads")
        self.assertEqual((changed.name, changed.description), ("Read it", "Reads"))
        self.assertEqual(len(self.rows(api.list_permissions())), 4)
        with self.assertRaises(ConflictError) as caught:
            api.create_permission(slug="p:r", name="Read")
        self.assertEqual(caught.exception.code, "permission_slug_conflict")
        api.delete_permission("p:r")
        with self.assertRaises(NotFoundError):
            api.get_permission("p:r")

    def test_02_environment_roles(self):
        api = self.authorization
        made = api.create_environment_role(slug="auditor", name="Auditor")
        self.assertEqual((made.slug, made.type, made.permissions), ("auditor", "EnvironmentRole", []))
        self.assertEqual(api.update_environment_role("auditor", name="Auditor 2", description=None).name, "Auditor 2")
        set_ = api.set_environment_role_permissions("auditor", permissions=["org:manage"])
        self.assertEqual(set_.permissions, ["org:manage"])
        added = api.add_environment_role_permission("auditor", body_slug="project:view")
        self.assertEqual(api.get_environment_role("auditor"), added)
        self.assertEqual([role.slug for role in api.list_environment_roles().data][-1], "auditor")
        with self.assertRaises(UnprocessableEntityError):
            api.set_environment_role_permissions("auditor", permissions=["no:such"])

    def test_03_organization_roles(self):
        api, org = self.authorization, self.org.id
        made = api.create_organization_role(org, name="Billing", slug="org-billing")
        self.assertEqual((made.slug, made.type), ("org-billing", "OrganizationRole"))
        api.set_organization_role_permissions(org, "org-billing", permissions=["org:manage"])
        added = api.add_organization_role_permission(org, "org-billing", body_slug="project:view")
        self.assertEqual(added.permissions, ["org:manage", "project:view"])
        api.remove_organization_role_permission(org, "org-billing", "org:manage")
        changed = api.update_organization_role(org, "org-billing", name="Bills")
        self.assertEqual((changed.name, changed.permissions), ("Bills", ["project:view"]))
        self.assertEqual(api.get_organization_role(org, "org-billing"), changed)
        self.assertEqual(api.list_organization_roles(org).data[-1].slug, "org-billing")
        with self.assertRaises(BadRequestError) as caught:
            api.update_organization_role(org, "admin", name="Mine")
        self.assertEqual(caught.exception.code, "bad_request")
        api.delete_organization_role(org, "org-billing")

    def test_04_resources(self):
        api, org = self.authorization, self.org.id
        new = {"organization_id": org, "resource_type_slug": "workspace"}
        workspace = api.create_resource(**new, external_id="w1", name="Web")
        second = api.create_resource(**new, external_id="w2", name="Mobile")
        parent = ParentResourceByExternalId(parent_resource_type_slug="workspace", parent_resource_external_id="w1")
        new["resource_type_slug"] = "project"
        project = api.create_resource(**new, external_id="p:1/x y", name="Site", description=None, parent_resource=parent)
        self.assertEqual(project.parent_resource_id, workspace.id)
        self.assertEqual(api.get_resource(project.id), project)
        named = (org, "project", "p:1/x y")
        self.assertEqual(api.get_resource_by_external_id(*named), project)
        under = ParentResourceById(parent_resource_id=second.id)
        moved = api.update_resource(project.id, name="Site 2", description="The site", parent_resource=under)
        self.assertEqual((moved.parent_resource_id, moved.name, moved.description), (second.id, "Site 2", "The site"))
        back = api.update_resource_by_external_id(*named, description=None, parent_resource=parent)
        self.assertEqual((back.parent_resource_id, back.name, back.description), (workspace.id, "Site 2", None))
        self.assertEqual(len(self.rows(api.list_resources(organization_id=org))), 3)
        by_name = self.rows(api.list_resources(resource_type_slug="project", resource_external_id="p:1/x y"))
        self.assertEqual([one.id for one in by_name], [project.id])
        for parent in (
            ParentById(parent_resource_id=workspace.id),
            ParentByExternalId(parent_resource_type_slug="workspace", parent_external_id="w1"),
        ):
            found = self.rows(api.list_resources(organization_id=org, parent=parent))
            self.assertEqual([one.id for one in found], [project.id])
        with self.assertRaises(BadRequestError) as caught:
            api.list_resources()
        self.assertEqual(caught.exception.code, "missing_organization_id_or_resource_type_slug")
        type(self).workspace, type(self).second, type(self).project = workspace, second, project

    def test_05_assignments(self):
        api, om = self.authorization, self.om.id
        site = ResourceTargetById(resource_id=self.project.id)
        self.assertFalse(self.may("project:edit", site))
        made = api.assign_role(om, role_slug="lead", resource_target=WORKSPACE)
        self.assertEqual((made.role.slug, made.source.type, made.resource.external_id), ("lead", "direct", "w1"))
        self.assertTrue(self.may("project:edit", site))
        mine = self.rows(api.list_role_assignments(om))
        self.assertEqual([one.role.slug for one in mine], ["lead", "member"])
        self.assertEqual([one.id for one in self.rows(api.list_role_assignments(om, resource_id=self.workspace.id))], [made.id])
        api.remove_role_assignment(om, made.id)
        self.assertFalse(self.may("project:edit", site))
        api.assign_role(om, role_slug="editor", resource_target=site)
        on_site = self.rows(api.list_role_assignments_for_resource(self.project.id))
        by_name = self.rows(
            api.list_role_assignments_for_resource_by_external_id(self.org.id, "project", "p:1/x y", role_slug="editor")
        )
        self.assertEqual(on_site, by_name)
        api.remove_role(om, role_slug="editor", resource_target=site)
        with self.assertRaises(NotFoundError) as caught:
            api.remove_role(om, role_slug="editor", resource_target=site)
        self.assertEqual(caught.exception.code, "entity_not_found")

    def test_06_discovery(self):
        api, om, org = self.authorization, self.om.id, self.org.id
        api.assign_role(om, role_slug="lead", resource_target=WORKSPACE)
        for parent in (
            ParentResourceById(parent_resource_id=self.workspace.id),
            ParentResourceByExternalId(parent_resource_type_slug="workspace", parent_resource_external_id="w1"),
        ):
            found = self.rows(api.list_resources_for_membership(om, permission_slug="project:edit", parent_resource=parent))
            self.assertEqual([one.id for one in found], [self.project.id])
        self.assertEqual(self.rows(api.list_memberships_for_resource(self.project.id, permission_slug="project:edit")), [])
        who = self.rows(
            api.list_memberships_for_resource_by_external_id(
                org, "project", "p:1/x y", permission_slug="project:edit", assignment="indirect"
            )
        )
        self.assertEqual([(one.id, one.user.email) for one in who], [(om, "ann@example.com")])
        held = self.rows(api.list_effective_permissions(om, self.project.id))
        self.assertEqual({one.slug for one in held}, {"project:view", "project:edit"})
        self.assertEqual(self.rows(api.list_effective_permissions_by_external_id(om, "project", "p:1/x y")), held)

    def test_07_groups(self):
        api, om, org = self.authorization, self.om.id, self.org.id
        group = self.wait(self.client.groups.create_organization_group(org, name="Engineering"))
        self.wait(self.client.groups.create_group_organization_membership(org, group.id, organization_membership_id=om))
        made = api.create_group_role_assignment(group.id, role_slug="editor", resource_id=self.project.id)
        self.assertEqual(api.get_group_role_assignment(group.id, made.id), made)
        (derived,) = [one for one in self.rows(api.list_role_assignments(om)) if one.role.slug == "editor"]
        self.assertEqual((derived.source.type, derived.source.group_role_assignment_id), ("group", made.id))
        with self.assertRaises(ConflictError) as caught:
            api.create_group_role_assignment(group.id, role_slug="editor", resource_id=self.project.id)
        self.assertEqual(caught.exception.code, "duplicate_group_role_assignment")
        on_site = ReplaceGroupRoleAssignmentEntry(role_slug="editor", resource_id=self.project.id)
        whole = ReplaceGroupRoleAssignmentEntry(role_slug="admin")
        replaced = api.update_group_role_assignments(group.id, role_assignments=[whole, on_site])
        self.assertEqual({one.role.slug for one in replaced.data}, {"admin", "editor"})
        self.assertTrue(self.may("org:manage", ResourceTargetByExternalId("cust-1", "organization")))
        if hasattr(self.client.authorization, "patch_group_role_assignments"):
            api.patch_group_role_assignments(group.id, add=[whole], remove=[on_site])
            self.assertEqual(len(self.rows(api.list_group_role_assignments(group.id))), 1)
            api.patch_group_role_assignments(group.id, add=[on_site])
        (left,) = [one for one in self.rows(api.list_group_role_assignments(group.id)) if one.role.slug == "editor"]
        api.delete_group_role_assignments(group.id, role_slug="admin")
        api.delete_group_role_assignment(group.id, left.id)
        self.assertEqual(self.rows(api.list_group_role_assignments(group.id)), [])

    def test_08_deletion(self):
        api = self.authorization
        with self.assertRaises(ConflictError) as caught:
            api.delete_resource(self.workspace.id, cascade_delete=False)
        self.assertEqual(caught.exception.code, "resource_has_dependents")
        api.delete_resource(self.workspace.id, cascade_delete=True)
        with self.assertRaises(NotFoundError):
            api.get_resource(self.project.id)
        api.delete_resource_by_external_id(self.org.id, "workspace", "w2")

    def test_09_pages(self):
        api, org = self.authorization, self.org.id
        for number in range(23):
            api.create_resource(organization_id=org, resource_type_slug="workspace", external_id=f"w{number:02}", name="W")
        seen = [one.external_id for one in self.rows(api.list_resources(organization_id=org, limit=10))]
        self.assertEqual(seen, sorted(seen, reverse=True))
        self.assertEqual(len(seen), 23)

    def test_10_every_method_was_called(self):
        self.all_called(40)


def load_tests(*_):
    return load(Authorization)
