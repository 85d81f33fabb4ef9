async function canUserAccessFile(
  session: Session,
  fileId: string,
): Promise<boolean> {
  // Fast path: check org-level permission from JWT
  if (session.permissions?.includes('project:view')) {
    return true;
  }

  // Slow path: check resource-level permission via FGA
  const file = await db.files.findUnique({ where: { id: fileId } });
  if (!file) return false;

  const { authorized } = await workos.authorization.check({
    organizationMembershipId: session.organizationMembershipId,
    permissionSlug: 'project:view',
    resourceTypeSlug: 'project',
    resourceExternalId: file.projectId,
  });

  return authorized;
}
