#!/bin/sh
# Runs a replica: copies the primary where there are no files, follows it, and copies it afresh when it can follow no more.
# Its files are disposable, so nothing is mended; but files of another server than the primary's are never thrown away.
set -eu
. "$(dirname "$0")/server.sh"

again=$PGDATA.again # says that the server was stopped to be copied afresh
primary=$(login "$PRIMARY")

clone() {
  until ask "$primary"; do
    sleep 1
  done
  copy "$primary"
  touch "$PGDATA.new/standby.signal"
  take
  rm -f "$again"
}

# What keeps this server from following the primary: nothing, as long as that can't be said.
hindrance() {
  ask "$primary" || return 0
  if [ "$identifier" != "$own" ]; then
    echo "another server"
  elif [ "$follows" = off ]; then
    state=$(psql -XAtq --dbname=postgres -c "SELECT CASE WHEN NOT pg_is_in_recovery() THEN 'promoted' ELSE coalesce(
      (SELECT status FROM pg_stat_wal_receiver), 'nothing received') END") || return 0
    # An older primary must not win over what was promoted for its loss.
    if [ "$state" = promoted ] && [ "$timeline" -lt "$(control "Latest checkpoint's TimeLineID")" ]; then
      return
    fi
    [ "$state" = streaming ] || echo "$state"
  fi
}

# Stops the server when something has kept it from following for six looks in a row.
watch() {
  looks=0
  while sleep "${WATCH_SECONDS:-5}"; do
    found=$(hindrance) || continue
    looks=$((looks + 1))
    [ -n "$found" ] || looks=0
    if [ "$looks" -ge 6 ]; then
      say "the primary cannot be followed: $found"
      echo "$found" >"$again"
      kill -INT "$server"
      return
    fi
  done
}

follow() {
  own=$(control 'Database system identifier')
  start -c primary_conninfo="$primary application_name=$(hostname)"
  touch "$PGHOST/ready"
  watch &
  watcher=$!
  await || true
  kill "$watcher" 2>/dev/null || true
}

write_access
while [ -z "$stopping" ]; do
  if ! has_data; then
    clone
  fi
  check_version
  follow
  [ -z "$stopping" ] || break
  if [ -e "$again" ]; then
    if [ "$(cat "$again")" = "another server" ]; then
      rm -f "$again"
      fail "the primary at $PRIMARY is another server than the one that these files are of ($own). If it is the right one," \
        "delete this pod, and with it the files; if they are what is left of the data, stop the primary, and promote.sh"
    fi
    clone
  else
    starts_again || break
  fi
done
exit "${ended:-1}"
