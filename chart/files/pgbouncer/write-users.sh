# Writes the file by which PgBouncer knows the service, in which quotes are doubled, and a setting by which its exporter may look,
# which is the same user. The password is in a Secret that may be the operator's own.
set -eu
umask 077
quoted() { printf '"' && printf %s "$1" | sed 's/"/""/g' && printf '" '; }
{ quoted "$POSTGRESQL_USERNAME" && quoted "$POSTGRESQL_PASSWORD" && echo; } > "$1"
echo "stats_users = $POSTGRESQL_USERNAME" > "$2"
