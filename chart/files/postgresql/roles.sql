-- The four roles and the database, at each start of the primary: the Secrets have the last word on passwords.

\set ON_ERROR_STOP on
\getenv database DATABASE
\getenv owner OWNER_USERNAME
\getenv app APP_USERNAME
\getenv monitor MONITOR_USERNAME
\getenv replication REPLICATION_USERNAME
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD
\getenv monitor_password MONITOR_PASSWORD
\getenv replication_password REPLICATION_PASSWORD

SET client_min_messages = warning;
SET log_min_error_statement = panic; -- a statement here has a password in it

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY[:'owner', :'app', :'monitor', :'replication']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

ALTER ROLE :"owner" LOGIN PASSWORD :'owner_password';
ALTER ROLE :"app" LOGIN PASSWORD :'app_password';
ALTER ROLE :"monitor" LOGIN PASSWORD :'monitor_password' CONNECTION LIMIT 3;
ALTER ROLE :"replication" LOGIN REPLICATION PASSWORD :'replication_password';
GRANT pg_monitor TO :"monitor";

SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'owner')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database')
\gexec

REVOKE ALL ON DATABASE postgres, :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"app", :"monitor";

\connect :"database"
SET client_min_messages = warning;

\ir rights.sql

-- Alembic's own table: the service tells by it how far the schema is, and changes nothing there.
SELECT format('REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM %I', :'app')
WHERE to_regclass('alembic_version') IS NOT NULL
\gexec
