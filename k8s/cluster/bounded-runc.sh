#!/bin/sh
# An OCI runtime for hosts whose root lacks CAP_SYS_RESOURCE (most sandboxes):
# runc, after taking out of the request what such a root cannot grant. Without
# it, `docker run --privileged` ends in "unable to apply caps".
set -eu

mask=$(awk '/^CapBnd:/ {print $2}' /proc/self/status)
held=$(capsh --decode="$mask" | sed 's/.*=//' | tr '[:lower:]' '[:upper:]')

bound() { # file, where the process object is in it
  [ -f "$1" ] || return 0
  jq --arg held "$held" '
    ($held | split(",")) as $held
    | '"$2"' |= (del(.rlimits)
      | if .capabilities then .capabilities |= map_values(map(select(IN($held[])))) else . end
      | if (.oomScoreAdj // 0) < 0 then .oomScoreAdj = 0 else . end)' "$1" >"$1.bounded"
  mv "$1.bounded" "$1"
}

previous=
for argument in "$@"; do
  case $previous in
    --bundle | -b) bound "$argument/config.json" .process ;;
    --process | -p) bound "$argument" . ;;
  esac
  case $argument in
    --bundle=*) bound "${argument#*=}/config.json" .process ;;
    --process=*) bound "${argument#*=}" . ;;
  esac
  previous=$argument
done
exec runc "$@"
