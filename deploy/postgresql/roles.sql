-- Two accounts: the owner migrates, the roles run without the right to change a table.
-- psql -v owner_password=… -v password=… -f deploy/postgresql/roles.sql, as a superuser; then, before the roles of a new
-- version start: CAIFENG_DATABASE_URL=postgres://caifeng_owner:…@host/caifeng caifeng status
CREATE ROLE caifeng_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE caifeng LOGIN PASSWORD :'password';
CREATE DATABASE caifeng OWNER caifeng_owner;
REVOKE ALL ON DATABASE caifeng FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE caifeng TO caifeng;
\connect caifeng
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO caifeng_owner;
GRANT USAGE ON SCHEMA public TO caifeng;
ALTER DEFAULT PRIVILEGES FOR ROLE caifeng_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO caifeng;
ALTER DEFAULT PRIVILEGES FOR ROLE caifeng_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO caifeng;
