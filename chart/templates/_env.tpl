{{/* Environment that comes from the pod itself and from Secrets. */}}
{{- define "users-api.env" -}}
{{- $prefix := .Values.app.settings.prefix -}}
{{- if $prefix -}}
- name: {{ $prefix }}SERVER_ID
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- if or .Values.auth.staticTokens .Values.auth.existingSecret }}
- name: {{ $prefix }}STATIC_TOKENS
  valueFrom:
    secretKeyRef:
      name: {{ include "users-api.tokensSecretName" . | quote }}
      key: static-tokens
{{- end }}
{{- if include "users-api.redis.secretName" . }}
- name: {{ $prefix }}REDIS_USERNAME
  {{- include "users-api.redis.username" . | nindent 2 }}
- name: {{ $prefix }}REDIS_PASSWORD
  {{- include "users-api.redis.password" . | nindent 2 }}
{{- end }}
{{- if ne .Values.postgresql.mode "none" }}
{{ include "users-api.postgresql.login" (dict "root" . "role" "app") }}
{{- end }}
{{- end }}
{{- end -}}

{{/* URL of Redis, the release's own or the managed one; empty with neither. */}}
{{- define "users-api.redis.url" -}}
{{- $external := .Values.redis.external -}}
{{- if .Values.redis.enabled -}}
redis://{{ include "users-api.redis.fullname" . }}:6379/0
{{- else if $external.host -}}
{{- $host := contains ":" $external.host | ternary (printf "[%s]" $external.host) $external.host -}}
{{- printf "%s://%s:%v/%v" (ternary "rediss" "redis" $external.tls) $host $external.port $external.database -}}
{{- if and $external.tls $external.caSecret -}}
?ssl_ca_certs=/etc/redis-ca/ca.crt
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Not empty where there is a PostgreSQL: by its mode, or where extraEnv has its address, or extraEnvFrom may. */}}
{{- define "users-api.database.mayBeNamed" -}}
{{- if ne .Values.postgresql.mode "none" -}}
{{ .Values.postgresql.mode }}
{{- end -}}
{{- range .Values.extraEnv -}}
{{- if eq .name (printf "%sDATABASE_URL" $.Values.app.settings.prefix) -}}
{{ .name }}
{{- end -}}
{{- end -}}
{{- if .Values.extraEnvFrom -}}
true
{{- end -}}
{{- end -}}

{{/* Port of an http or https URL, whose host may be an IPv6 address in brackets. */}}
{{- define "users-api.port" -}}
{{- $host := regexReplaceAll "^(?i)https?://([^/?#]*@)?([^/?#]*).*$" . "${2}" -}}
{{- regexFind ":[0-9]+$" $host | trimPrefix ":" | default (hasPrefix "https:" (lower .) | ternary "443" "80") -}}
{{- end -}}

{{/* User and password for Redis's own containers; redis-cli reads the last one by itself. */}}
{{- define "users-api.redis.env" -}}
- name: REDIS_USERNAME
  {{- include "users-api.redis.username" . | nindent 2 }}
{{- range list "REDIS_PASSWORD" "REDISCLI_AUTH" }}
- name: {{ . | quote }}
  {{- include "users-api.redis.password" $ | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Value of a variable with the user of Redis. One that the values name stands in the pods, so that another rolls both sides. */}}
{{- define "users-api.redis.username" -}}
{{- if and .Values.redis.enabled (not .Values.redis.auth.existingSecret) -}}
value: {{ .Values.redis.auth.username | quote }}
{{- else -}}
valueFrom:
  secretKeyRef:
    name: {{ include "users-api.redis.secretName" . | quote }}
    key: username
{{- end -}}
{{- end -}}

{{/* Value of a variable with the password of Redis. */}}
{{- define "users-api.redis.password" -}}
valueFrom:
  secretKeyRef:
    name: {{ include "users-api.redis.secretName" . | quote }}
    key: password
{{- end -}}
