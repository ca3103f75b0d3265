# Writes the file by which PgBouncer knows the service, in which quotes are doubled. The password is in a Secret that may be the
# operator's own.
set -eu
umask 077
quoted() { printf '"' && printf %s "$1" | sed 's/"/""/g' && printf '" '; }
{ quoted "$POSTGRESQL_USERNAME" && quoted "$POSTGRESQL_PASSWORD" && echo; } > "$1"
