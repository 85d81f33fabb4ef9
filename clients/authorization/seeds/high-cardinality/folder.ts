async function canUserAccessFolder(
  organizationMembershipId: string,
  folderId: string,
): Promise<boolean> {
  const MAX_DEPTH = 25;
  const visited = new Set<string>();
  let currentFolderId = folderId;

  // Walk up the folder hierarchy
  while (visited.size < MAX_DEPTH) {
    if (visited.has(currentFolderId)) {
      // Cycle detected
      return false;
    }
    visited.add(currentFolderId);

    const folder = await db.folders.findUnique({
      where: { id: currentFolderId },
    });
    if (!folder) return false;

    // Found the FGA-managed parent
    if (folder.projectId) {
      const { authorized } = await workos.authorization.check({
        organizationMembershipId,
        permissionSlug: 'project:view',
        resourceTypeSlug: 'project',
        resourceExternalId: folder.projectId,
      });
      return authorized;
    }

    // Continue up the hierarchy
    if (!folder.parentFolderId) return false;
    currentFolderId = folder.parentFolderId;
  }

  // Exceeded max depth
  return false;
}
