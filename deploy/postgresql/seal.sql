-- After the owner's first migration: events can be added and read, never changed, whoever holds the roles' account.
REVOKE UPDATE, DELETE ON alerts_alertevent FROM caifeng;
