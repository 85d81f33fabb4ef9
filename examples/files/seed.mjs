// Two customers with workspaces and projects, three people, and files.

export const PEOPLE = {
  ann: { email: 'ann@example.com', organizations: { acme: 'admin', bolt: 'member' } },
  bob: { email: 'bob@example.com', organizations: { acme: 'member' } },
  cleo: { email: 'cleo@example.com', organizations: { bolt: 'auditor' } },
};

const PROJECTS = {
  acme: { web: ['site', 'shop'], ops: ['servers'] },
  bolt: { lab: ['site', 'rocket'] },
};

/** Creates everything. `psql`: runs SQL past all policies. Returns the organizations and the memberships, by name. */
export async function seed(workos, psql) {
  const organizations = {};
  for (const [name, workspaces] of Object.entries(PROJECTS)) {
    const organization = await workos.organizations.createOrganization({ name });
    organizations[name] = organization.id;
    for (const [workspace, projects] of Object.entries(workspaces)) {
      const within = { organizationId: organization.id };
      await workos.authorization.createResource({ ...within, resourceTypeSlug: 'workspace', externalId: workspace, name: workspace });
      for (const project of projects) {
        await workos.authorization.createResource({
          ...within,
          resourceTypeSlug: 'project',
          externalId: project,
          name: project,
          parentResourceTypeSlug: 'workspace',
          parentResourceExternalId: workspace,
        });
      }
    }
  }
  const memberships = [];
  for (const [name, { email, organizations: roles }] of Object.entries(PEOPLE)) {
    const user = await workos.userManagement.createUser({ email });
    for (const [organization, roleSlug] of Object.entries(roles)) {
      const organizationId = organizations[organization];
      const { id } = await workos.userManagement.createOrganizationMembership({ userId: user.id, organizationId, roleSlug });
      memberships.push({ key: `${name}@${organization}`, id, user: user.id, organization: organizationId });
    }
  }
  const bob = memberships.find(({ key }) => key === 'bob@acme');
  await workos.authorization.assignRole({
    organizationMembershipId: bob.id,
    roleSlug: 'project-editor',
    resourceTypeSlug: 'project',
    resourceExternalId: 'site',
  });
  const rows = Object.entries(PROJECTS).flatMap(([organization, workspaces]) =>
    Object.values(workspaces)
      .flat()
      .flatMap((project) => ['plan', 'notes'].map((name) => `('${organizations[organization]}', '${project}', '${organization} ${project} ${name}')`)),
  );
  await psql(`insert into files (organization_id, project_id, name) values ${rows.join(', ')}`);
  return { organizations, memberships };
}
