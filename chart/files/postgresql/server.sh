# What primary.sh, replica.sh and promote.sh have in common: to ask a server who it is, to copy it, to run one.
#
# PRIMARY and REPLICAS are `host:port`; a name of REPLICAS may stand for several servers. PGHOST is the folder of the local
# socket, by which this pod's own user is the superuser. TLS_FOLDER has the server's certificate.

umask 077
export PGUSER=postgres
export PGPASSWORD="$REPLICATION_PASSWORD" # for other servers; a file of passwords could not hold every one
folder=$(dirname "$0")
child=
stopping=

say() {
  echo "$(basename "$0"): $*" >&2
}

fail() {
  say "error: $*"
  exit 1
}

# A signal reaches a shell only between two commands: what takes long runs beside it, through this.
run() {
  "$@" &
  child=$!
  await
}

# Waits for the child to the end, through the signals that are passed on to it. Its status is that of the child.
await() {
  while :; do
    wait "$child" && ended=0 || ended=$?
    kill -0 "$child" 2>/dev/null || break
  done
  child=
  return "$ended"
}

# SIGINT is PostgreSQL's fast shutdown: SIGTERM would wait until the last client has left. Other programs ignore SIGINT
# when a shell started them in the background.
stop() {
  stopping=yes
  [ -n "$child" ] || exit 1
  if [ "$child" = "${server:-}" ]; then
    kill -INT "$child" 2>/dev/null || true
  else
    kill -TERM "$child" 2>/dev/null || true
  fi
}
trap stop INT TERM

# Writes who may log in. Nobody who is not named here gets in.
write_access() {
  connection=hostssl
  [ -n "${TLS_FOLDER:-}" ] || connection=host
  cat >"$PGHOST/pg_hba.conf" <<END
# TYPE      DATABASE     USER                                     ADDRESS       METHOD
local       all          postgres                                               peer map=pod
host        "$DATABASE"  "$MONITOR_USERNAME"                      127.0.0.1/32  scram-sha-256
host        "$DATABASE"  "$MONITOR_USERNAME"                      ::1/128       scram-sha-256
$connection "$DATABASE"  "$OWNER_USERNAME","$APP_USERNAME"        all           scram-sha-256
$connection replication  "$REPLICATION_USERNAME"                  all           scram-sha-256
END
  echo "pod $(id -un) postgres" >"$PGHOST/pg_ident.conf"
}

# How to log in to `host:port` as the one who may copy it.
login() {
  echo "host=${1%:*} port=${1##*:} user=$REPLICATION_USERNAME connect_timeout=3"
}

# The servers that REPLICAS stands for, a login each line.
replicas() {
  for name in $REPLICAS; do
    for address in $(getent ahosts "${name%:*}" | cut -d ' ' -f 1 | sort -u); do
      echo "$(login "$name") hostaddr=$address"
    done
  done
}

# Asks the server of a login for its `identifier`, `timeline` and `position`, and whether it follows another one
# (`follows`: on or off). 1 if nobody is there, 2 if somebody is and does not say.
ask() {
  PGSSLMODE=prefer pg_isready --quiet --dbname="$1 replication=true" </dev/null && ready=0 || ready=$?
  [ "$ready" -lt 2 ] || return 1
  if ! answer=$(psql -XAtq -F ' ' "$1 replication=true" -c IDENTIFY_SYSTEM -c 'SHOW in_hot_standby' 2>&1 </dev/null); then
    say "a server is there, and does not say which it is: $answer"
    return 2
  fi
  read -r identifier timeline position _ <<END
$answer
END
  follows=${answer##*
}
}

# What the files here say of themselves.
control() {
  pg_controldata "$PGDATA" | sed -n "s/^$1: *//p"
}

has_data() {
  [ -e "$PGDATA/PG_VERSION" ]
}

# Refuses files of another major version: the server would, with less of a remedy.
check_version() {
  of_files=$(cat "$PGDATA/PG_VERSION")
  of_program=$(postgres --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
  [ "$of_files" = "$of_program" ] ||
    fail "the files in $PGDATA are of PostgreSQL $of_files, and this image is of $of_program: go back to an image of" \
      "$of_files, take a backup, and restore it into a new release"
}

# Copies the server of a login, for `take` to take in; what is here stays until the copy is whole. One that broke off is
# removed: where the disk is full, the server that is here needs the room.
copy() {
  say "copying the server at $1"
  rm -rf "$PGDATA.new"
  if ! run pg_basebackup --pgdata="$PGDATA.new" --checkpoint=fast --wal-method=stream --no-password --dbname="$1"; then
    rm -rf "$PGDATA.new"
    say "the copy broke off"
    return 1
  fi
}

# Puts new files in the place of the old ones, whose last copy this may be: until the new ones have their name, so do these.
take() {
  rm -rf "$PGDATA.old"
  [ ! -e "$PGDATA" ] || mv "$PGDATA" "$PGDATA.old"
  mv "$PGDATA.new" "$PGDATA"
  sync "$(dirname "$PGDATA")"
  rm -rf "$PGDATA.old"
}

# Removes what a start that was broken off has left.
tidy() {
  [ -e "$PGDATA" ] || [ ! -e "$PGDATA.old" ] || mv "$PGDATA.old" "$PGDATA"
  rm -rf "$PGDATA.old" "$PGDATA.new"
}

# The folder of the socket outlives a container that was killed: the process that its lock names may be another one by now.
start() {
  rm -f "$PGHOST/ready" "$PGHOST"/.s.PGSQL.*
  set -- -c config_file="$folder/postgresql.conf" -c unix_socket_directories="$PGHOST" \
    -c hba_file="$PGHOST/pg_hba.conf" -c ident_file="$PGHOST/pg_ident.conf" "$@"
  [ -z "${TLS_FOLDER:-}" ] ||
    set -- -c ssl=on -c ssl_cert_file="$TLS_FOLDER/tls.crt" -c ssl_key_file="$TLS_FOLDER/tls.key" "$@"
  postgres -D "$PGDATA" "$@" &
  server=$!
  child=$server
  began=$(date +%s)
}

# Whether a server that has ended is to be started again here. The kubelet would wait 10 s before the second start, 20 s
# before the third; one that ends at once again and again is left to it.
starts_again() {
  [ -z "$stopping" ] || return 1
  [ "$(($(date +%s) - began))" -lt 10 ] || failures=0
  failures=$((${failures:-0} + 1))
  [ "$failures" -lt 5 ] || return 1
  say "the server ended with status $ended, and is started again"
  sleep 1 # its processes leave when they notice that it has gone
}
