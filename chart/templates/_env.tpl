{{/* Environment that comes from the pod itself and from Secrets. */}}
{{- define "users-api.env" -}}
- name: USERS_API_SERVER_ID
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- if or .Values.auth.staticTokens .Values.auth.existingSecret }}
- name: USERS_API_STATIC_TOKENS
  valueFrom:
    secretKeyRef:
      name: {{ include "users-api.tokensSecretName" . }}
      key: static-tokens
{{- end }}
{{- with include "users-api.redis.secretName" . }}
- name: USERS_API_REDIS_USERNAME
  valueFrom:
    secretKeyRef:
      name: {{ . }}
      key: username
- name: USERS_API_REDIS_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ . }}
      key: password
{{- end }}
{{- end -}}

{{/* URL of Redis, the release's own or the managed one; empty with neither. */}}
{{- define "users-api.redis.url" -}}
{{- $external := .Values.redis.external -}}
{{- if .Values.redis.enabled -}}
redis://{{ include "users-api.redis.fullname" . }}:6379/0
{{- else if $external.host -}}
{{- printf "%s://%s:%v/%v" (ternary "rediss" "redis" $external.tls) $external.host $external.port $external.database -}}
{{- if and $external.tls $external.caSecret -}}
?ssl_ca_certs=/etc/redis-ca/ca.crt
{{- end -}}
{{- end -}}
{{- end -}}

{{/* User and password for Redis's own containers; redis-cli reads the last one by itself. */}}
{{- define "users-api.redis.env" -}}
{{- range $name, $key := dict "REDIS_USERNAME" "username" "REDIS_PASSWORD" "password" "REDISCLI_AUTH" "password" }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ include "users-api.redis.secretName" $ }}
      key: {{ $key }}
{{- end }}
{{- end -}}
