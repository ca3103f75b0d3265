#!/bin/sh
# Puts a backup in the place of what the database holds: the newest one, or the one that BACKUP names. In one transaction:
# until its end everybody sees the old rows, or waits; and if it fails nothing has changed.
set -eu

folder=$(dirname "$0")

fail() {
  echo "restore.sh: error: $*" >&2
  exit 1
}

newest=$(ls -r "$BACKUPS" | sed -n "s/^\($PGDATABASE-[0-9TZ]*\.dump\)$/\1/p" | head -n 1)
name=${BACKUP:-$newest}
[ -n "$name" ] || fail "there is no backup of $PGDATABASE in $BACKUPS"
dump=$BACKUPS/$name
sums=${dump%.dump}.sums
[ -e "$dump" ] && [ -e "$sums" ] || fail "there is no backup $name; there are: $(cd "$BACKUPS" && echo *.dump)"

digest=$(sha256sum <"$dump")
grep -q "^sha256 ${digest%% *}$" "$sums" || fail "$name is not the file that was proven: take another one, with BACKUP"
# Whoever reads a table holds it up: rather fail than make everybody wait.
PGOPTIONS='-c lock_timeout=30s' pg_restore --clean --if-exists --single-transaction --exit-on-error --no-owner --no-password \
  --dbname="$PGDATABASE" "$dump" || fail "nothing was changed"

ask() {
  psql -X --quiet --no-password "$@"
}

# Tables of a later schema are in no dump of an earlier one, and would be in the way of the migration that makes them.
ask --file="$folder/sums.sql" | cut -d '|' -f 1 | while read -r table; do
  grep -qF "$table|" "$sums" || ask --command="DROP TABLE $table CASCADE"
done
ask --file="$folder/sums.sql" >"$SCRATCH/sums"
if ! grep -v '^sha256 ' "$sums" | diff - "$SCRATCH/sums" >&2; then
  echo "restore.sh: the tables (>) are not as in the backup (<): somebody has written since, or this is no whole restore" >&2
fi
echo "restore.sh: the database holds what was in $name"
