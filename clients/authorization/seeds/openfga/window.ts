// Check time-based access in your app
const now = new Date();
const accessWindow = await getAccessWindow(resourceId);

if (now < accessWindow.start || now > accessWindow.end) {
  return { authorized: false };
}

// Then check FGA permissions
const { authorized } = await workos.authorization.check({
  organizationMembershipId,
  permissionSlug: 'project:view',
  resourceExternalId: resourceId,
  resourceTypeSlug: 'project',
});
