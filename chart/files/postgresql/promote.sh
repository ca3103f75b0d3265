#!/bin/sh
# Makes the replica in whose pod this runs a primary, where the old one is lost for good.
set -eu
. "$(dirname "$0")/server.sh"

[ "$(psql -XAtq --dbname=postgres -c 'SELECT pg_is_in_recovery()')" = t ] || fail "this server is no replica"
ask "$(login "$PRIMARY")" && found=0 || found=$?
if [ "$found" -eq 2 ] || { [ "$found" -eq 0 ] && [ "$follows" = off ]; }; then
  fail "the primary at $PRIMARY answers, and there may be only one: stop it first, for good"
fi
peers=$(replicas)
while read -r peer; do
  if [ -n "$peer" ] && ask "$peer"; then
    ahead=$(psql -XAtq --dbname=postgres \
      -c "SELECT '$position'::pg_lsn > greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())")
    [ "$ahead" = f ] || fail "another replica has received more of the primary's last writes: promote that one ($peer)"
  fi
done <<END
$peers
END
pg_ctl promote --pgdata="$PGDATA" --wait
say "this is a primary now. Delete the old one's volume claim and pod, and upgrade the release: its new pod copies this one"
