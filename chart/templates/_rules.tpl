{{/* Regular expression in a PromQL string that matches one of some texts. */}}
{{- define "users-api.regexOf" -}}
{{- $patterns := list -}}
{{- range . -}}
{{- $patterns = append $patterns (regexQuoteMeta .) -}}
{{- end -}}
{{- join "|" $patterns | replace `\` `\\` -}}
{{- end -}}

{{/* Selector of the release's own recorded series. */}}
{{- define "users-api.rule.release" -}}
{namespace="{{ .Release.Namespace }}",service="{{ include "users-api.fullname" . }}"}
{{- end -}}

{{/*
Recorded series of the two promises, errors and latency: the share of requests that break one over each window that an
alert asks for, the share that may, and the rates of which dashboards add up a month.
*/}}
{{- define "users-api.rule.records" -}}
{{- $labels := dict "namespace" .Release.Namespace "release" .Release.Name "service" (include "users-api.fullname" .) -}}
{{- range $window := list "5m" "30m" "1h" "2h" "6h" "1d" "3d" }}
{{- $of := dict "root" $ "window" $window }}
- record: users_api:http_error_ratio:rate{{ $window }}
  expr: ({{ include "users-api.rule.failed" $of }}) / ({{ include "users-api.rule.requests" $of }} > 0)
  labels: {{ $labels | toJson }}
- record: users_api:http_slow_ratio:rate{{ $window }}
  expr: ({{ include "users-api.rule.slow" $of }}) / ({{ include "users-api.rule.requests" $of }} > 0)
  labels: {{ $labels | toJson }}
{{- end }}
{{- $of := dict "root" . "window" "5m" }}
- record: users_api:http_requests:rate5m
  expr: {{ include "users-api.rule.requests" $of }}
  labels: {{ $labels | toJson }}
- record: users_api:http_error:rate5m
  expr: {{ include "users-api.rule.failed" $of }}
  labels: {{ $labels | toJson }}
- record: users_api:http_slow:rate5m
  expr: {{ include "users-api.rule.slow" $of }}
  labels: {{ $labels | toJson }}
- record: users_api:http_error_budget:ratio
  expr: vector({{ include "users-api.rule.budget" .Values.prometheusRule.sloPercent }})
  labels: {{ $labels | toJson }}
- record: users_api:http_slow_budget:ratio
  expr: vector({{ include "users-api.rule.budget" .Values.prometheusRule.latencyPercent }})
  labels: {{ $labels | toJson }}
{{- end -}}

{{/* Requests a second; like the two below it takes a dict of root and window. */}}
{{- define "users-api.rule.requests" -}}
sum(rate(http_requests_total{ {{- include "users-api.podSelector" .root }}}[{{ .window }}]))
{{- end -}}

{{/* Failures a second. Without a 5xx yet there is no such series: 0, not nothing. */}}
{{- define "users-api.rule.failed" -}}
sum(rate(http_requests_total{ {{- include "users-api.podSelector" .root }},status=~"5.."}[{{ .window }}])) or vector(0)
{{- end -}}

{{/* Answers a second that took longer than promised. */}}
{{- define "users-api.rule.slow" -}}
sum(rate(http_request_duration_seconds_count{ {{- include "users-api.podSelector" .root }}}[{{ .window }}])) - sum(rate(http_request_duration_seconds_bucket{ {{- include "users-api.podSelector" .root }},le="{{ .root.Values.prometheusRule.latencySeconds }}"}[{{ .window }}]))
{{- end -}}

{{/* Share of requests that may break a promise kept for so many percent. */}}
{{- define "users-api.rule.budget" -}}
{{ printf "%.6f" (divf (subf 100 .) 100) }}
{{- end -}}

{{/*
A month's budget would be gone in two days, or in five. Windows and factors of both are from Google's SRE workbook,
chapter 5, "Multiwindow, Multi-Burn-Rate Alerts". Takes a dict of root and promise.
*/}}
{{- define "users-api.rule.burnsFast" -}}
{{ include "users-api.rule.burn" (merge (dict "long" "1h" "short" "5m" "factor" "14.4") .) }}
or {{ include "users-api.rule.burn" (merge (dict "long" "6h" "short" "30m" "factor" "6") .) }}
{{- end -}}

{{/* It would be gone in ten days, or just before the month's end. Takes a dict of root and promise. */}}
{{- define "users-api.rule.burnsSlowly" -}}
{{ include "users-api.rule.burn" (merge (dict "long" "1d" "short" "2h" "factor" "3") .) }}
or {{ include "users-api.rule.burn" (merge (dict "long" "3d" "short" "6h" "factor" "1") .) }}
{{- end -}}

{{/* The budget goes at more than `factor` times the speed it may: for long enough to matter, and still now. */}}
{{- define "users-api.rule.burn" -}}
{{- $percent := ternary .root.Values.prometheusRule.sloPercent .root.Values.prometheusRule.latencyPercent (eq .promise "http_error") -}}
{{- $limit := printf "%s * %s" .factor (include "users-api.rule.budget" $percent) -}}
{{- $ratio := printf "users_api:%s_ratio:rate" .promise -}}
{{- $release := include "users-api.rule.release" .root -}}
({{ $ratio }}{{ .long }}{{ $release }} > {{ $limit }} and {{ $ratio }}{{ .short }}{{ $release }} > {{ $limit }})
{{- end -}}

{{/*
More than a hundredth of the statements of requests, which these names begin, is slow. Those that ran out of time are in
no histogram.
*/}}
{{- define "users-api.rule.databaseSlow" -}}
{{- $requests := printf `%s,query=~"(user|key)_.+"` (include "users-api.podSelector" .) -}}
{{- $sent := printf "sum(rate(users_api_database_query_seconds_count{%s}[10m]))" $requests -}}
{{- $fast := printf `sum(rate(users_api_database_query_seconds_bucket{%s,le="0.25"}[10m]))` $requests -}}
{{- $late := printf `(sum(rate(users_api_database_failures_total{%s,reason="timeout"}[10m])) or vector(0))` $requests -}}
({{ $sent }} - {{ $fast }} + {{ $late }})
/ ({{ $sent }} + {{ $late }} > 0) > 0.01
{{- end -}}

{{/*
Labels and annotations of an alert. Takes a dict of root, alert, severity, summary, description and, where a dashboard
shows it, dashboard.
*/}}
{{- define "users-api.rule.notes" -}}
labels:
  severity: {{ .severity | quote }}
  namespace: {{ .root.Release.Namespace | quote }}
  service: {{ include "users-api.fullname" .root | quote }}
annotations:
  summary: {{ .summary | quote }}
  description: {{ .description | quote }}
  runbook_url: {{ printf "%s/%s.md" .root.Values.prometheusRule.runbookUrl .alert | quote }}
  {{- if and .dashboard .root.Values.prometheusRule.grafanaUrl }}
  dashboard_url: {{ printf "%s/d/users-api-%s?var-namespace=%s&var-release=%s" .root.Values.prometheusRule.grafanaUrl .dashboard .root.Release.Namespace (include "users-api.fullname" .root) | quote }}
  {{- end }}
{{- end -}}
