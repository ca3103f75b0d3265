{{/*
What every object has: name, namespace, labels and annotations. Takes a dict of root and component and, where they differ from
the release's, of name, labels and annotations, the last two from values; these win over commonLabels and the chart's own.
*/}}
{{- define "users-api.metadata" -}}
name: {{ .name | default (include "users-api.fullname" .root) | quote }}
namespace: {{ .root.Release.Namespace | quote }}
labels:
  {{- include "users-api.labels" . | nindent 2 }}
{{- with include "users-api.strings" (list .annotations) }}
annotations:
  {{- . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Labels of every object. Takes a dict of root, component and, of an object with labels of its own in the values, labels. */}}
{{- define "users-api.labels" -}}
{{- $chart := dict
  "helm.sh/chart" (printf "%s-%s" (include "users-api.name" .root) .root.Chart.Version | replace "+" "_" | trunc 63 | trimAll "-._")
  "app.kubernetes.io/version" .root.Chart.AppVersion
  "app.kubernetes.io/managed-by" .root.Release.Service
  "app.kubernetes.io/part-of" (include "users-api.name" .root)
-}}
{{- include "users-api.strings" (list $chart .root.Values.commonLabels .labels (include "users-api.selectorLabels" . | fromYaml)) -}}
{{- end -}}

{{/*
Labels that selectors use. The component keeps Redis and test pods out of the API's Service and autoscaler: an HPA counts
every pod that its target's selector matches.
*/}}
{{- define "users-api.selectorLabels" -}}
app.kubernetes.io/name: {{ include "users-api.componentName" . | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component | quote }}
{{- end -}}

{{/* Name of what a component is: the API and what serves it alone, Redis or PostgreSQL. Takes a dict of root and component. */}}
{{- define "users-api.componentName" -}}
{{- $name := include "users-api.name" .root -}}
{{- if eq .component "redis" -}}
{{- printf "%s-redis" (include "users-api.cut" (list 57 $name)) -}}
{{- else if hasPrefix "postgresql" .component -}}
{{- printf "%s-postgresql" (include "users-api.cut" (list 52 $name)) -}}
{{- else -}}
{{- $name -}}
{{- end -}}
{{- end -}}

{{/* Selector of all pods of the release's own, and of no chart beside it in an umbrella: by instance alone it would be both. */}}
{{- define "users-api.allPods" -}}
matchExpressions:
  - key: app.kubernetes.io/instance
    operator: In
    values: [{{ .Release.Name | quote }}]
  - key: app.kubernetes.io/name
    operator: In
    values:
      {{- range concat (list "api" "redis") (eq .Values.postgresql.mode "none" | ternary list (list "postgresql")) }}
      - {{ include "users-api.componentName" (dict "root" $ "component" .) | quote }}
      {{- end }}
{{- end -}}

{{/* Selector of what is scraped: the API and, where they have an exporter, Redis, PostgreSQL and PgBouncer. */}}
{{- define "users-api.scraped" -}}
{{ include "users-api.allPods" . }}
  - key: app.kubernetes.io/component
    operator: In
    values:
      - api
      {{- if include "users-api.redis.isExported" . }}
      - redis
      {{- end }}
      {{- if include "users-api.bundled.isExported" . }}
      - postgresql-primary
      - postgresql-replica
      {{- end }}
      {{- if include "users-api.pooler.isExported" . }}
      - postgresql-pooler
      {{- end }}
{{- end -}}

{{/* Whether Redis has a metrics exporter. */}}
{{- define "users-api.redis.isExported" -}}
{{- if and .Values.redis.enabled .Values.redis.exporter.enabled -}}
true
{{- end -}}
{{- end -}}

{{/*
Labels of pods. Without the chart's version: a new chart must not restart Redis, nor the API for nothing. Takes a dict of
root, component and, from values, labels.
*/}}
{{- define "users-api.podLabels" -}}
{{- $chart := dict "app.kubernetes.io/part-of" (include "users-api.name" .root) -}}
{{- include "users-api.strings" (list $chart .root.Values.commonLabels .labels (include "users-api.selectorLabels" . | fromYaml)) -}}
{{- end -}}

{{/*
Checksum of what an object holds, to roll pods when it changes. Not of its labels, which change with the chart's version.
Takes a dict of root and template.
*/}}
{{- define "users-api.checksum" -}}
{{- $object := include (print .root.Template.BasePath .template) .root | fromYaml -}}
{{- pick $object "data" "stringData" | toYaml | sha256sum -}}
{{- end -}}
