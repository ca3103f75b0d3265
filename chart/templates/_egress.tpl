{{/* Where the service connects to, beside DNS: rules of a NetworkPolicy. */}}
{{- define "users-api.egress" -}}
{{- if .Values.redis.enabled }}
- ports:
    - { port: 6379, protocol: TCP }
  to:
    - podSelector:
        matchLabels:
          {{- include "users-api.selectorLabels" (dict "root" . "component" "redis") | nindent 10 }}
{{- else if .Values.redis.external.host }}
# A name has no selector: the managed Redis is allowed by its port.
- ports:
    - { port: {{ .Values.redis.external.port }}, protocol: TCP }
{{- end }}
{{- include "users-api.postgresql.clientEgress" . }}
{{- range list .Values.auth.jwt.jwksUrl (.Values.tracing.enabled | ternary .Values.tracing.endpoint "") }}
{{- with . }}
- ports:
    - { port: {{ include "users-api.port" . | int }}, protocol: TCP }
{{- end }}
{{- end }}
{{- with .Values.networkPolicy.extraEgress }}
{{- toYaml . | nindent 0 }}
{{- end }}
{{- end -}}
