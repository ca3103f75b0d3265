{{/* A mode that there is, and values that it uses. */}}
{{- define "users-api.validate.postgresql" -}}
{{- $postgresql := .Values.postgresql -}}
{{- $external := $postgresql.external -}}
{{- if eq $postgresql.mode "external" }}
{{- if and (not $external.hosts) (not $postgresql.roles.app.urlKey) }}
postgresql.mode external has no server: set postgresql.external.hosts, or postgresql.roles.app.urlKey for a URL in a Secret
{{- end }}
{{- if and (not $external.hosts) $postgresql.migrations.enabled (not $postgresql.roles.owner.urlKey) }}
the migration has no server: set postgresql.external.hosts or postgresql.roles.owner.urlKey, or postgresql.migrations.enabled=false if you migrate yourself
{{- end }}
{{- range concat $external.hosts $external.replicas }}
{{- with regexFind ":[0-9]+$" . }}
{{- if or (lt (trimPrefix ":" . | atoi) 1) (gt (trimPrefix ":" . | atoi) 65535) }}
postgresql.external names the port {{ trimPrefix ":" . }}: a port is 1 to 65535
{{- end }}
{{- end }}
{{- end }}
{{- $given := compact (list $external.ca.secretName $external.ca.configMapName $external.ca.file) }}
{{- if gt (len $given) 1 }}
postgresql.external.ca names the CA more than once: keep one of secretName, configMapName and file
{{- end }}
{{- if and (hasPrefix "verify" $external.sslMode) (not $given) $external.hosts }}
postgresql.external.sslMode {{ $external.sslMode }} has no CA to check the server by: set postgresql.external.ca.secretName or configMapName, or file to /etc/ssl/certs/ca-certificates.crt where a public CA signs
{{- end }}
{{- if and (has $external.sslMode (list "disable" "prefer")) $given }}
postgresql.external.ca is not used with sslMode {{ $external.sslMode }}: set postgresql.external.sslMode=verify-full, or leave it out
{{- end }}
{{- else if or $external.hosts $external.replicas }}
postgresql.external names servers, which postgresql.mode {{ $postgresql.mode }} does not use: set postgresql.mode=external, or leave them out
{{- end }}
{{- if and (eq $postgresql.mode "none") $postgresql.pooler.enabled }}
postgresql.pooler has no server behind it: set postgresql.mode
{{- end }}
{{- $prefix := printf "%sDATABASE_" .Values.app.settings.prefix }}
{{- range .Values.extraEnv }}
{{- if and $.Values.app.settings.prefix (hasPrefix $prefix (toString .name)) }}
{{- $isLogin := has (trimPrefix $prefix .name) (list "URL" "REPLICA_URLS" "USERNAME" "PASSWORD") }}
{{- if and $isLogin (ne $postgresql.mode "none") }}
extraEnv sets {{ .name }}, and so does postgresql.mode {{ $postgresql.mode }}: keep one
{{- else if and .value (or (eq .name (printf "%sPASSWORD" $prefix)) (and $isLogin (regexMatch "://[^/?@]*:[^/?]*@|[?&]password=" (toString .value)))) }}
extraEnv {{ .name }} shows a password to all who may read the Deployment: take it from a Secret by valueFrom, or set postgresql.mode=external, whose roles name one
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A password for each role that logs in, from one place. */}}
{{- define "users-api.validate.logins" -}}
{{- $postgresql := .Values.postgresql -}}
{{- range $name, $role := $postgresql.roles }}
{{- $path := printf "postgresql.roles.%s" $name }}
{{- if and $role.password $role.existingSecret }}
{{ $path }}.password and existingSecret both hold a password: keep one
{{- end }}
{{- if and $role.urlKey (not $role.existingSecret) }}
{{ $path }}.urlKey is a key of a Secret: name that in {{ $path }}.existingSecret
{{- end }}
{{- if and $role.urlKey (has $postgresql.mode (list "bundled" "cloudnativepg")) }}
{{ $path }}.urlKey is for a server that is not the release's: leave it out in postgresql.mode {{ $postgresql.mode }}
{{- end }}
{{- if and (has $postgresql.mode (list "bundled" "cloudnativepg")) (not (regexMatch "^[a-z_][a-z0-9_]*$" $role.username)) }}
{{ $path }}.username {{ $role.username }} would need quotes in SQL: use small letters, digits and _
{{- end }}
{{- end }}
{{- if eq $postgresql.mode "external" }}
{{- range $name := ternary (list "app" "owner") (list "app") $postgresql.migrations.enabled }}
{{- $role := get $postgresql.roles $name }}
{{- if and (not $role.existingSecret) (not $role.password) }}
postgresql.roles.{{ $name }} has no password: set its existingSecret{{ if eq $name "owner" }}, or postgresql.migrations.enabled=false if you migrate yourself{{ end }}
{{- end }}
{{- end }}
{{- if and $postgresql.external.replicas $postgresql.roles.app.urlKey }}
postgresql.external.replicas need the name and password of the role, which postgresql.roles.app.urlKey leaves out: set external.hosts, and leave urlKey out
{{- end }}
{{- end }}
{{- end -}}

{{/* PgBouncer that knows where to go, and has the time to stop. */}}
{{- define "users-api.validate.pooler" -}}
{{- $postgresql := .Values.postgresql -}}
{{- $pooler := $postgresql.pooler -}}
{{- if $pooler.enabled }}
{{- if and (eq $postgresql.mode "external") (gt (len $postgresql.external.hosts) 1) }}
postgresql.pooler takes one host, as PgBouncer does not ask which of several takes writes: name one in postgresql.external.hosts that always leads to the primary, or leave the pooler out
{{- end }}
{{- if $postgresql.roles.app.urlKey }}
postgresql.pooler needs host, name and password one by one: set postgresql.external.hosts, and leave postgresql.roles.app.urlKey out
{{- end }}
{{- if and (eq $postgresql.mode "cloudnativepg") $pooler.tlsSecret }}
postgresql.pooler.tlsSecret is not used in postgresql.mode cloudnativepg, whose PgBouncer has the servers' certificate: leave it out
{{- end }}
{{- if le (int $pooler.terminationGracePeriodSeconds) (int $pooler.preStopSleepSeconds) }}
postgresql.pooler.terminationGracePeriodSeconds {{ $pooler.terminationGracePeriodSeconds }} ends within preStopSleepSeconds {{ $pooler.preStopSleepSeconds }}: raise it, to at least {{ add $pooler.preStopSleepSeconds 10 }}
{{- end }}
{{- if eq $postgresql.database "pgbouncer" }}
postgresql.database pgbouncer is the name of PgBouncer's own console: choose another
{{- end }}
{{- end }}
{{- end -}}

{{/* Backups that go somewhere. */}}
{{- define "users-api.validate.cloudnativepg" -}}
{{- $postgresql := .Values.postgresql -}}
{{- $backup := $postgresql.cloudnativepg.backup -}}
{{- if eq $postgresql.mode "cloudnativepg" }}
{{- if and $backup.enabled (not $backup.objectStore) (not $backup.configuration.destinationPath) }}
postgresql.cloudnativepg.backup has nowhere to go: set its configuration.destinationPath and credentials, or objectStore
{{- end }}
{{- if and $backup.objectStore $backup.configuration }}
postgresql.cloudnativepg.backup.objectStore and configuration both name a store: keep one
{{- end }}
{{- if hasKey $postgresql.cloudnativepg.parameters "max_connections" }}
postgresql.cloudnativepg.parameters sets max_connections, which must be known to check that the pools fit: set postgresql.maxConnections
{{- end }}
{{- end }}
{{- end -}}
