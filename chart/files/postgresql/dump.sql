-- A dump and the sums of what is in it: both in one transaction, or a write between them would make them differ.

\set ON_ERROR_STOP on
\getenv sums SUMS

BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_export_snapshot() AS snapshot \gset
\setenv SNAPSHOT :snapshot
\! pg_dump --format=custom --no-password --snapshot="$SNAPSHOT" --file="$DUMP"
\if :SHELL_ERROR
DO $$ BEGIN RAISE EXCEPTION 'pg_dump failed'; END $$;
\endif
\o :sums
\ir sums.sql
\o
COMMIT;
