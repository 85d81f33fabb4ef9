// The code of the row-level-security tutorial, a function around each piece of it.

import { WarrantOp } from '@workos-inc/node';

import { prisma } from './database.mjs';

export function ticketing(workos) {
  return {
    async join(org1, userId, relation) {
      await workos.fga.writeWarrant({
        op: WarrantOp.Create,
        resource: {
          resourceType: 'organization',
          resourceId: org1.id,
        },
        relation,
        subject: {
          resourceType: 'user',
          resourceId: userId,
        },
      });
    },

    async createTicket({ title, description, orgId, userId, assigneeId }) {
      const ticket = await prisma.ticket.create({
        data: {
          title,
          description,
          organization: { connect: { id: orgId } },
          creator: { connect: { id: userId } },
          assignee: assigneeId ? { connect: { id: assigneeId } } : undefined,
        },
      });
      await workos.fga.writeWarrant({
        op: WarrantOp.Create,
        resource: {
          resourceType: "ticket",
          resourceId: ticket.id,
        },
        relation: "creator",
        subject: {
          resourceType: "user",
          resourceId: userId,
        },
      });
      return ticket;
    },

    async setUpPermissions(ticket, userId, organizationId) {
      await workos.fga.writeWarrant({
        op: WarrantOp.Create,
        resource: {
          resourceType: 'ticket',
          resourceId: ticket.id,
        },
        relation: 'creator',
        subject: {
          resourceType: 'user',
          resourceId: userId,
        },
      });
      await workos.fga.writeWarrant({
        op: WarrantOp.Create,
        resource: {
          resourceType: 'ticket',
          resourceId: ticket.id,
        },
        relation: 'parent',
        subject: {
          resourceType: 'organization',
          resourceId: organizationId,
        },
      });
    },

    async listTickets(userId) {
      const response = await workos.fga.query({
        q: `select ticket where user:${userId} is viewer`
      });
      const accessibleTicketIds = response.data.map(obj => obj.resourceId);
      const tickets = await prisma.ticket.findMany({
        where: {
          id: { in: accessibleTicketIds }
        },
        include: {
          creator: true,
          assignee: true,
        }
      });
      return tickets;
    },
  };
}
