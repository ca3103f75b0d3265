#!/bin/sh
# Runs a replica: copies the primary where there are no files, follows it, and copies it afresh when it can follow no more.
# Its files are disposable, so nothing is mended; but files of another server than the primary's are never thrown away.
set -eu
. "$(dirname "$0")/server.sh"

again=$PGDATA.again # says why the server was stopped
primary=$(login "$PRIMARY")

# Copies the primary beside the files that are here. A copy that has the file is whole.
clone() {
  copy "$primary" && touch "$PGDATA.new/standby.signal"
}

# The same while this server runs. One that was promoted meanwhile knows more than the copy.
clone_beside() {
  clone || return
  [ "$(psql -XAtq --dbname=postgres -c 'SELECT pg_is_in_recovery()')" = t ] && return
  say "the copy is not taken: this server follows no longer"
  return 1
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

# Stops the server when something has kept it from following for six looks in a row, and there is a new copy. Until then it
# answers, and can be promoted: a copy that finds no room may never end. One that was promoted is stopped at once, as another
# server is the primary now.
watch() {
  child=
  trap '[ -z "$child" ] || kill "$child"; exit' TERM
  looks=0
  while sleep "${WATCH_SECONDS:-5}"; do
    found=$(hindrance) || continue
    looks=$((looks + 1))
    [ -n "$found" ] || looks=0
    [ "$looks" -ge 6 ] || continue
    looks=0
    say "the primary cannot be followed: $found"
    case $found in "another server" | promoted) ;; *) clone_beside || continue ;; esac
    echo "$found" >"$again"
    kill -INT "$server"
    return
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
  tidy
  if ! has_data; then
    until ask "$primary"; do
      sleep 1
    done
    clone
    take
  fi
  check_version
  rm -f "$again"
  follow
  [ -z "$stopping" ] || break
  if [ ! -e "$again" ]; then
    starts_again || break
  elif [ "$(cat "$again")" = "another server" ]; then
    fail "the primary at $PRIMARY is another server than the one that these files are of ($own). If it is the right one," \
      "delete this pod, and with it the files; if they are what is left of the data, stop the primary, and promote.sh"
  elif [ -e "$PGDATA.new/standby.signal" ] || clone; then
    take
  fi
done
exit "${ended:-1}"
