-- The private keys that the built-in issuer signs tokens with, for all servers of the database. Whoever reads a row can sign as any user, so
-- servers alone may: the role rowgate_server, which is trusted with the seal key as well. Nothing else reads it, no export either.

create table rowgate.signing_key (
    ring     text collate "C" primary key,  -- which keys: of one environment, by its uid
    contents bytea not null                 -- the key that signs, and the public parts of those that it replaced
);

revoke all on rowgate.signing_key from public;
grant select, insert, update, delete on rowgate.signing_key to rowgate_server;
