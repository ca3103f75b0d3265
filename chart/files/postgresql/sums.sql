-- How many rows each table has, and a checksum of them in whatever order.

\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on

SET timezone = 'GMT';
SET datestyle = 'ISO, YMD';

SELECT format('SELECT %L, count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM %s AS t', oid::regclass, oid::regclass)
FROM pg_class
WHERE relkind = 'r' AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
ORDER BY oid::regclass::text
\gexec
