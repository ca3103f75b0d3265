{{/* Name of the chart, cut to the 63 characters that labels may have. */}}
{{- define "users-api.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Name of every object; the release's name alone where it says what the chart is. */}}
{{- define "users-api.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "users-api.name" .) .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "users-api.name" .) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Labels of every object. */}}
{{- define "users-api.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: {{ include "users-api.name" . }}
{{- end }}

{{/* What selects the service's pods, and only them: an autoscaler counts every pod that matches. */}}
{{- define "users-api.selectorLabels" -}}
app.kubernetes.io/name: {{ include "users-api.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: api
{{- end }}

{{/* What selects the Redis pods. */}}
{{- define "users-api.redis.selectorLabels" -}}
app.kubernetes.io/name: {{ include "users-api.name" . }}-redis
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: redis
{{- end }}

{{/* Name of the Redis objects. */}}
{{- define "users-api.redis.fullname" -}}
{{ include "users-api.fullname" . }}-redis
{{- end }}

{{/* URL that the service reaches Redis by. */}}
{{- define "users-api.redis.url" -}}
{{- if .Values.redis.enabled -}}
redis://{{ include "users-api.redis.fullname" . }}:6379/0
{{- else -}}
{{ required "redis.externalUrl: say where Redis is, or set redis.enabled to true" .Values.redis.externalUrl }}
{{- end -}}
{{- end }}

{{/* The service's image. */}}
{{- define "users-api.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* Requests per second over all pods: what was let in and answered, no probes (they are not counted), nothing refused. */}}
{{- define "users-api.requestRateQuery" -}}
sum(rate(http_requests_total{namespace="{{ .Release.Namespace }}",pod=~"{{ include "users-api.fullname" . }}-[a-z0-9]+-[a-z0-9]+",status!~"401|403|429"}[{{ .Values.autoscaling.requestRate.windowSeconds }}s]))
{{- end }}

{{/* Security context of every container: what Pod Security "restricted" asks for. */}}
{{- define "users-api.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}
