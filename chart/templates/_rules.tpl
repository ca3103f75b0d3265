{{/* Selector of the release's own recorded series. */}}
{{- define "users-api.rule.release" -}}
{namespace="{{ .Release.Namespace }}",release="{{ .Release.Name }}"}
{{- end -}}

{{/* Labels and annotations of an alert. Takes a dict of root, alert, severity, summary and description. */}}
{{- define "users-api.rule.notes" -}}
labels:
  severity: {{ .severity }}
  namespace: {{ .root.Release.Namespace }}
  service: {{ include "users-api.fullname" .root }}
annotations:
  summary: {{ .summary | quote }}
  description: {{ .description | quote }}
  runbook_url: {{ .root.Values.prometheusRule.runbookUrl }}/{{ .alert }}.md
{{- end -}}
