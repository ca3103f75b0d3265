{{/* Labels of every object. Takes a dict of root and component. */}}
{{- define "users-api.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "users-api.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: {{ include "users-api.name" .root }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/*
Labels that selectors use. The component keeps Redis and test pods out of the API's Service and autoscaler: an HPA counts
every pod that its target's selector matches.
*/}}
{{- define "users-api.selectorLabels" -}}
app.kubernetes.io/name: {{ include "users-api.name" .root }}{{ if eq .component "redis" }}-redis{{ end }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/*
Labels of pods. Without the chart's version: a new chart must not restart Redis, nor the API for nothing. Takes a dict of
root and component.
*/}}
{{- define "users-api.podLabels" -}}
{{ include "users-api.selectorLabels" . }}
app.kubernetes.io/part-of: {{ include "users-api.name" .root }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/*
Checksum of what an object holds, to roll pods when it changes. Not of its labels, which change with the chart's version.
Takes a dict of root and template.
*/}}
{{- define "users-api.checksum" -}}
{{- $object := include (print .root.Template.BasePath .template) .root | fromYaml -}}
{{- pick $object "data" "stringData" | toYaml | sha256sum -}}
{{- end -}}
