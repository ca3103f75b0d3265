#!/bin/sh
# Whether the server takes connections, of a primary once its roles are set.
[ -e "$PGHOST/ready" ] && pg_isready --quiet --username=postgres --dbname=postgres
