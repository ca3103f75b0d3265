-- What the service's role may do, and for how long: longer than the service waits, and what it has given up ends. An operator's
-- server is given these statements too, without psql: each is on a line of its own.
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"app";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" GRANT USAGE ON SEQUENCES TO :"app";
ALTER ROLE :"app" SET statement_timeout = '2s';
ALTER ROLE :"app" SET lock_timeout = '1s';
ALTER ROLE :"app" SET idle_in_transaction_session_timeout = '5s';
ALTER ROLE :"app" SET transaction_timeout = '5s';
