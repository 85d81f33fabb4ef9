-- The roles that the application connects as. `scripts/roles.ts` creates them, for roles belong to the whole server.

-- What the policies guard: whatever it does is done for a user.
grant select on "Organization", "User" to ticketing_app;
grant select, insert, update, delete on "Ticket" to ticketing_app;

-- Reads every row, and filters in the application. Only the pre-filter and the post-filter need such a role.
grant select on "Organization", "User", "Ticket" to ticketing_trusted;
create policy "trusted" on "Ticket" for select to ticketing_trusted using (true);
