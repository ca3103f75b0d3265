#!/bin/sh
# Runs the primary: makes an empty server where there is none, sets the roles and their passwords at each start, and starts
# the server again when it dies. It refuses to begin where a replica knows more than it does.
set -eu
. "$(dirname "$0")/server.sh"

# Looks at the replicas. `promoted` is the login of the one that was made a primary last, `standby` that of one that waits
# for a primary, and `silent` is set if one does not say what it is.
look() {
  promoted=
  standby=
  silent=
  newest=0
  peers=$(replicas)
  while read -r peer; do
    [ -n "$peer" ] || continue
    ask "$peer" && found=0 || found=$?
    if [ "$found" -eq 2 ]; then
      silent=$peer
    elif [ "$found" -eq 0 ] && [ "$follows" = on ]; then
      standby=$peer
    elif [ "$found" -eq 0 ] && [ "$timeline" -gt "$newest" ]; then
      promoted=$peer
      newest=$timeline
      of_promoted=$identifier
    fi
  done <<END
$peers
END
}

initialise() {
  say "making an empty server"
  run initdb --pgdata="$PGDATA.new" --username=postgres --auth=reject --data-checksums \
    --locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C --encoding=UTF8
}

prepare() {
  look
  if has_data; then
    check_version
    if [ -n "$promoted" ] && [ "$of_promoted" = "$(control 'Database system identifier')" ] &&
      [ "$newest" -gt "$(control "Latest checkpoint's TimeLineID")" ]; then
      fail "a replica was promoted after these files were written ($promoted): delete this pod and its volume claim, and" \
        "upgrade the release, to take over from it"
    fi
    return
  fi
  if [ -n "$promoted" ]; then
    copy "$promoted"
  elif [ -n "$silent" ]; then
    fail "there are no files here, and a replica may have them: waiting until it says so ($silent)"
  elif [ -n "$standby" ]; then
    fail "there are no files here, and a replica has those of a primary that is gone ($standby): promote one with" \
      "promote.sh, or delete the replicas' pods to begin with an empty server"
  else
    initialise
  fi
  take
}

# Whether they are set. A server that dies meanwhile is no reason to give up: it is started again.
set_roles() {
  for _ in 1 2 3; do
    until pg_isready --quiet --dbname=postgres; do
      kill -0 "$server" 2>/dev/null || return
      sleep 0.2
    done
    psql -X --quiet --dbname=postgres --file="$folder/roles.sql" && return
    sleep 1
  done
  return 1
}

write_access
tidy
prepare
while [ -z "$stopping" ]; do
  start
  if ! set_roles && [ -z "$stopping" ] && kill -0 "$server" 2>/dev/null; then
    stop
    await || true
    fail "the roles could not be set"
  fi
  touch "$PGHOST/ready"
  await || true
  starts_again || break
done
exit "${ended:-1}"
