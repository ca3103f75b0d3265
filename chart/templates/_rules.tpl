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
alert asks for, the share that may, and the rates of which dashboards add up a month. Whoever counts, the names are the same. Without a
histogram nobody knows what is slow.
*/}}
{{- define "users-api.rule.records" -}}
{{- $labels := dict "namespace" .Release.Namespace "release" .Release.Name "service" (include "users-api.fullname" .) -}}
{{- $isTimed := include "users-api.rule.isTimed" . -}}
{{- range $window := list "5m" "30m" "1h" "2h" "6h" "1d" "3d" }}
{{- $of := dict "root" $ "window" $window }}
- record: release:http_error_ratio:rate{{ $window }}
  expr: ({{ include "users-api.rule.failed" $of }}) / ({{ include "users-api.rule.requests" $of }} > 0)
  labels: {{ $labels | toJson }}
{{- if $isTimed }}
- record: release:http_slow_ratio:rate{{ $window }}
  expr: ({{ include "users-api.rule.slow" $of }}) / ({{ include "users-api.rule.requests" $of }} > 0)
  labels: {{ $labels | toJson }}
{{- end }}
{{- end }}
{{- $of := dict "root" . "window" "5m" }}
- record: release:http_requests:rate5m
  expr: {{ include "users-api.rule.requests" $of }}
  labels: {{ $labels | toJson }}
- record: release:http_error:rate5m
  expr: {{ include "users-api.rule.failed" $of }}
  labels: {{ $labels | toJson }}
- record: release:http_error_budget:ratio
  expr: vector({{ include "users-api.rule.budget" .Values.prometheusRule.sloPercent }})
  labels: {{ $labels | toJson }}
{{- if $isTimed }}
- record: release:http_slow:rate5m
  expr: {{ include "users-api.rule.slow" $of }}
  labels: {{ $labels | toJson }}
- record: release:http_slow_budget:ratio
  expr: vector({{ include "users-api.rule.budget" .Values.prometheusRule.latencyPercent }})
  labels: {{ $labels | toJson }}
{{- end }}
{{- end -}}

{{/* Who counts what is promised, as _counted.tpl has it. */}}
{{- define "users-api.rule.counted" -}}
{{- include "users-api.counted" (dict "root" . "from" .Values.prometheusRule.from) -}}
{{- end -}}

{{/* Whether that one times requests too. */}}
{{- define "users-api.rule.isTimed" -}}
{{- (include "users-api.rule.counted" . | fromJson).histogram -}}
{{- end -}}

{{/* Requests a second; like the two below it takes a dict of root and window. */}}
{{- define "users-api.rule.requests" -}}
{{- $counted := include "users-api.rule.counted" .root | fromJson -}}
sum({{ include "users-api.counted.series" (dict "counted" $counted "name" $counted.counter "window" .window) }})
{{- end -}}

{{/* Failures a second. Without a 5xx yet there is no such series: 0, not nothing. */}}
{{- define "users-api.rule.failed" -}}
{{- $counted := include "users-api.rule.counted" .root | fromJson -}}
sum({{ include "users-api.counted.series" (dict "counted" $counted "name" $counted.counter "window" .window "matcher" (printf `%s=~"5.."` $counted.status)) }}) or vector(0)
{{- end -}}

{{/* Answers a second that took longer than promised. */}}
{{- define "users-api.rule.slow" -}}
{{- $counted := include "users-api.rule.counted" .root | fromJson -}}
{{- $all := dict "counted" $counted "name" (printf "%s_count" $counted.histogram) "window" .window -}}
{{- $fast := dict "counted" $counted "name" (printf "%s_bucket" $counted.histogram) "window" .window "matcher" (include "users-api.rule.edge" .root) -}}
sum({{ include "users-api.counted.series" $all }}) - sum({{ include "users-api.counted.series" $fast }})
{{- end -}}

{{/* Matcher of the bucket that ends at the promised time. Of a whole number there are two spellings. */}}
{{- define "users-api.rule.edge" -}}
{{- $counted := include "users-api.rule.counted" . | fromJson -}}
{{- $edge := mulf .Values.prometheusRule.latencySeconds $counted.unit | toString -}}
{{- if regexMatch "^[0-9]+$" $edge -}}
le=~"{{ $edge }}([.]0)?"
{{- else -}}
le="{{ $edge }}"
{{- end -}}
{{- end -}}

{{/* Edges of the histogram that the users API has, and each application on its library. */}}
{{- define "users-api.rule.edges" -}}
0.005 0.01 0.025 0.05 0.075 0.1 0.25 0.5 1 2.5 5
{{- end -}}

{{/* Requests are counted, and none of them in a bucket that ends at the promised time. */}}
{{- define "users-api.rule.untimed" -}}
{{- $counted := include "users-api.rule.counted" . | fromJson -}}
{{- $edge := include "users-api.rule.edge" . -}}
count({{ include "users-api.counted.series" (dict "counted" $counted "name" $counted.counter) }})
unless on () count({{ include "users-api.counted.series" (dict "counted" $counted "name" (printf "%s_bucket" $counted.histogram) "matcher" $edge) }})
{{- end -}}

{{/* More than one a second over an hour, and then none at all, though whoever counts them is scraped. */}}
{{- define "users-api.rule.stopped" -}}
{{- $requests := printf "release:http_requests:rate5m%s" (include "users-api.rule.release" .) -}}
{{- $counted := include "users-api.rule.counted" . | fromJson -}}
(avg_over_time({{ $requests }}[1h] offset 10m) > 1 unless max_over_time({{ $requests }}[5m]) > 0)
and on () count({{ $counted.scraped }})
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
{{- $ratio := printf "release:%s_ratio:rate" .promise -}}
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
Labels and annotations of an alert. Takes a dict of root, alert (its name without the prefix, as its runbook is called), severity, summary, description and, where a dashboard
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
  dashboard_url: {{ printf "%s/d/%s-%s?var-namespace=%s&var-release=%s" .root.Values.prometheusRule.grafanaUrl (include "users-api.dashboardsName" .root) .dashboard .root.Release.Namespace (include "users-api.fullname" .root) | quote }}
  {{- end }}
{{- end -}}

{{/* What the names of alerts begin with: by default the chart's name, in one word. */}}
{{- define "users-api.rule.prefix" -}}
{{- .Values.prometheusRule.prefix | default (include "users-api.name" . | replace "." "-" | title | replace "-" "") -}}
{{- end -}}
