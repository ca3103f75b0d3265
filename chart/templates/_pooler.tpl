{{/* Name of PgBouncer's objects, and its Service's. */}}
{{- define "users-api.pooler.fullname" -}}
{{- include "users-api.postgresql.fullname" . }}-pooler
{{- end -}}

{{/* Whether the chart runs PgBouncer itself; CloudNativePG runs its own. */}}
{{- define "users-api.pooler.isOwn" -}}
{{- if and .Values.postgresql.pooler.enabled (has .Values.postgresql.mode (list "external" "bundled")) -}}
true
{{- end -}}
{{- end -}}

{{/* Whether it has a metrics exporter. */}}
{{- define "users-api.pooler.isExported" -}}
{{- if and (include "users-api.pooler.isOwn" .) .Values.postgresql.pooler.exporter.enabled -}}
true
{{- end -}}
{{- end -}}

{{/* Name of the Service by which PgBouncer finds the bundled primary. */}}
{{- define "users-api.pooler.primary" -}}
{{- include "users-api.postgresql.fullname" . }}-primary
{{- end -}}

{{/* The server behind PgBouncer: host:port. */}}
{{- define "users-api.pooler.server" -}}
{{- if include "users-api.bundled.isOn" . -}}
{{- include "users-api.pooler.primary" . }}:5432
{{- else -}}
{{- regexFindAll "^(.*):([0-9]+)$" (include "users-api.postgresql.hosts" .) 1 | first -}}
{{- end -}}
{{- end -}}

{{/* Labels that select the pods of PgBouncer. */}}
{{- define "users-api.pooler.selector" -}}
{{- if include "users-api.pooler.isOwn" . -}}
{{- include "users-api.selectorLabels" (dict "root" . "component" "postgresql-pooler") -}}
{{- else -}}
cnpg.io/poolerName: {{ include "users-api.pooler.fullname" . | quote }}
{{- end -}}
{{- end -}}

{{/*
Settings of PgBouncer that the chart and CloudNativePG's Pooler share, as a YAML map of strings. asyncpg names its statements:
PgBouncer has to know them on whichever connection comes next, and a client keeps up to 100.
*/}}
{{- define "users-api.pooler.parameters" -}}
max_client_conn: {{ .Values.postgresql.pooler.maxClientConnections | quote }}
default_pool_size: {{ .Values.postgresql.pooler.poolSize | quote }}
max_prepared_statements: "200"
ignore_startup_parameters: extra_float_digits
# A server that has gone away is tried again each second, not each fifteenth.
server_login_retry: "1"
server_connect_timeout: "2"
server_idle_timeout: "60"
# The service has given up long before.
query_wait_timeout: "5"
tcp_keepidle: "10"
tcp_keepintvl: "5"
tcp_keepcnt: "3"
tcp_user_timeout: "10000"
{{- end -}}
