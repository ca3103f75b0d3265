{{/* What each server takes: as said, or what the chart sets on its own. */}}
{{- define "users-api.postgresql.maxConnections" -}}
{{- if .Values.postgresql.maxConnections -}}
{{- .Values.postgresql.maxConnections -}}
{{- else if has .Values.postgresql.mode (list "bundled" "cloudnativepg") -}}
200
{{- end -}}
{{- end -}}

{{/* A setting as the pods have it: of extraEnv, which wins, or of a value. Takes a dict of root, name without its prefix, and value. */}}
{{- define "users-api.budget.setting" -}}
{{- $found := .value -}}
{{- range .root.Values.extraEnv -}}
{{- if and (eq (toString .name) (print $.root.Values.app.settings.prefix $.name)) .value -}}
{{- $found = .value -}}
{{- end -}}
{{- end -}}
{{- int $found -}}
{{- end -}}

{{/*
The most connections that the service may hold to one server, as JSON with how it comes about. A pod that is being stopped keeps
its own, and maxSurge does not count it; in a rollout all the old ones may be stopping at once.
*/}}
{{- define "users-api.budget" -}}
{{- $most := include "users-api.fixedCount" . | default .Values.autoscaling.maxReplicas | int -}}
{{- $surge := include "users-api.share" (list .Values.strategy.maxSurge $most "up") | int -}}
{{- $workers := include "users-api.budget.setting" (dict "root" . "name" "WORKERS" "value" .Values.config.workers) | int -}}
{{- $pool := include "users-api.budget.setting" (dict "root" . "name" "DATABASE_POOL_SIZE" "value" .Values.config.databasePoolSize) | int -}}
{{- $pods := add $most $surge $most -}}
{{- $how := printf "(%d of %s + %d surge + %d terminating) x %d config.workers x %d config.databasePoolSize = %d" $most (include "users-api.fixedCount" . | empty | ternary "autoscaling.maxReplicas" "replicaCount") $surge $most $workers $pool (mul $pods $workers $pool) -}}
{{- dict "connections" (mul $pods $workers $pool) "each" (mul $pods $workers) "how" $how | toRawJson -}}
{{- end -}}

{{/* All connections at once within what each server takes. */}}
{{- define "users-api.validate.budget" -}}
{{- $postgresql := .Values.postgresql -}}
{{- $limit := include "users-api.postgresql.maxConnections" . | int -}}
{{- if and (eq $postgresql.mode "external") (not $limit) }}
postgresql.maxConnections is not said, so that nobody knows whether the pools fit: set it to what `SHOW max_connections` says on the server
{{- else if ne $postgresql.mode "none" }}
{{- $budget := include "users-api.budget" . | fromJson }}
{{- $connections := int $budget.connections }}
{{- $reserved := int $postgresql.reservedConnections }}
{{- $free := sub $limit $reserved | int }}
{{- $left := printf "postgresql.maxConnections %d - %d reservedConnections = %d" $limit $reserved $free }}
{{- $fitting := div (max 0 $free) $budget.each | int }}
{{- $lower := gt $fitting 0 | ternary (printf "lower config.databasePoolSize to %d, " $fitting) "" }}
{{- if and (gt $connections $free) (not $postgresql.pooler.enabled) }}
the service's connections do not fit: {{ $budget.how }}, and {{ $left }}: {{ $lower }}lower the replicas, raise postgresql.maxConnections to {{ add $connections $reserved }}{{ if eq $postgresql.mode "external" }} (on the server first){{ end }}, or set postgresql.pooler.enabled=true
{{- else if and (gt $connections $free) (include "users-api.postgresql.replicaHosts" .) }}
the service's connections do not fit a replica, which is read directly: {{ $budget.how }}, and {{ $left }}: {{ $lower }}lower the service's replicas, or raise postgresql.maxConnections to {{ add $connections $reserved }}{{ if eq $postgresql.mode "external" }} (on the servers first){{ end }}
{{- end }}
{{- if $postgresql.pooler.enabled }}
{{- $pooler := $postgresql.pooler }}
{{- $pods := add (mul 2 $pooler.replicas) 1 }}
{{- $taken := mul $pods $pooler.poolSize | int }}
{{- if gt $taken $free }}
PgBouncer's connections do not fit: ({{ $pooler.replicas }} of postgresql.pooler.replicas + 1 surge + {{ $pooler.replicas }} terminating) x {{ $pooler.poolSize }} postgresql.pooler.poolSize = {{ $taken }}, and {{ $left }}: lower postgresql.pooler.poolSize{{ with div (max 0 $free) $pods }} to {{ . }}{{ end }}, or raise postgresql.maxConnections to {{ add $taken $reserved }}
{{- end }}
{{- if gt $connections (int $pooler.maxClientConnections) }}
the service's connections do not fit one PgBouncer, which has them all while the other is away: {{ $budget.how }}, and postgresql.pooler.maxClientConnections is {{ $pooler.maxClientConnections }}: raise it to {{ $connections }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
