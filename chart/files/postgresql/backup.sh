#!/bin/sh
# Dumps the database into BACKUPS, restores the dump into an empty server of its own in SCRATCH, compares the two, and keeps
# the KEEP newest dumps. A file gets its name after all of that: what is called a backup was restored once.
set -eu
umask 077

folder=$(dirname "$0")
export DUMP="$BACKUPS/.unproven.dump" SUMS="$BACKUPS/.unproven.sums"
server=

fail() {
  echo "backup.sh: error: $*" >&2
  exit 1
}

# Runs a command against the empty server.
there() {
  env -u PGPASSWORD PGHOST="$SCRATCH" PGUSER=postgres PGSSLMODE=disable "$@"
}

end() {
  if [ -n "$server" ]; then
    kill -QUIT "$server" 2>/dev/null || true
    wait "$server" || true
  fi
  rm -rf "$SCRATCH/data" "$DUMP" "$SUMS"
}
trap end EXIT
trap 'exit 1' INT TERM

rm -rf "$SCRATCH/data" "$DUMP" "$SUMS"
psql -X --quiet --no-password --file="$folder/dump.sql" || fail "the database could not be dumped"
[ -s "$SUMS" ] || fail "the database has no tables: is the schema there?"
pg_restore --list "$DUMP" >/dev/null || fail "the dump has no table of contents"

initdb --pgdata="$SCRATCH/data" --username=postgres --auth=trust --no-sync --no-instructions \
  --locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C --encoding=UTF8 >/dev/null
postgres -D "$SCRATCH/data" -c listen_addresses= -c unix_socket_directories="$SCRATCH" -c fsync=off -c jit=off \
  -c wal_level=minimal -c max_wal_senders=0 -c huge_pages=off &
server=$!
until there pg_isready --quiet --dbname=postgres; do
  kill -0 "$server" 2>/dev/null || fail "the empty server did not start"
  sleep 0.2
done
there createdb "$PGDATABASE"
there pg_restore --exit-on-error --no-owner --no-privileges --dbname="$PGDATABASE" "$DUMP" ||
  fail "the dump could not be restored"
there psql -X --quiet --file="$folder/sums.sql" >"$SCRATCH/sums"
diff "$SUMS" "$SCRATCH/sums" >&2 || fail "the restored tables (>) differ from the database's (<)"

name=$PGDATABASE-$(date -u +%Y%m%dT%H%M%SZ)
digest=$(sha256sum <"$DUMP")
echo "sha256 ${digest%% *}" >>"$SUMS"
sync "$DUMP" "$SUMS"
mv "$SUMS" "$BACKUPS/$name.sums"
mv "$DUMP" "$BACKUPS/$name.dump"
sync "$BACKUPS"

# By name, which has the time in it.
ls -r "$BACKUPS" | sed -n "s/^\($PGDATABASE-[0-9TZ]*\)\.dump$/\1/p" | tail -n "+$((KEEP + 1))" | while read -r old; do
  rm -f "$BACKUPS/$old.dump" "$BACKUPS/$old.sums"
done
cat "$BACKUPS/$name.sums"
echo "backup.sh: $name.dump was restored, and is as the database was"
