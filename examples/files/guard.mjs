// Access at the API: what an application does that asks before it shows.

/** Whether a membership has a permission on a file. The file is a resource: Rowgate reads its row and walks up from there. */
export async function mayOnFile(workos, membership, permission, file) {
  try {
    const { authorized } = await workos.authorization.check({
      organizationMembershipId: membership.id,
      permissionSlug: permission,
      resourceTypeSlug: 'file',
      resourceExternalId: file.id,
    });
    return authorized;
  } catch (error) {
    // A file of another organization is none that the membership could ask about.
    if (error.status === 404) return false;
    throw error;
  }
}

/** The same by asking about the file's project, as for files that no authorization server knows of. */
export async function mayOnProject(workos, membership, permission, file) {
  if (file.organization_id !== membership.organization) return false;
  const { authorized } = await workos.authorization.check({
    organizationMembershipId: membership.id,
    permissionSlug: permission,
    resourceTypeSlug: 'project',
    resourceExternalId: file.project_id,
  });
  return authorized;
}
