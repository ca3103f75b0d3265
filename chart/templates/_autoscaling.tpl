{{/* Where the request rate comes from: customMetrics, prometheus or none. "auto" takes what the engine and the cluster offer. */}}
{{- define "users-api.requestRateSource" -}}
{{- $source := .Values.autoscaling.requestRate.source -}}
{{- if ne $source "auto" -}}
{{- $source -}}
{{- else if not (include "users-api.requestRateIsKnown" .) -}}
none
{{- else if eq .Values.autoscaling.engine "keda" -}}
prometheus
{{- else if and (eq .Values.autoscaling.engine "hpa") (include "users-api.hasCustomMetrics" .) -}}
customMetrics
{{- else -}}
none
{{- end -}}
{{- end -}}

{{/* Whether Prometheus can tell the request rate: by a counter that is scraped, or by a query of the values. */}}
{{- define "users-api.requestRateIsKnown" -}}
{{- $requests := .Values.metrics.requests -}}
{{- if or (eq .Values.autoscaling.requestRate.from "ingress") $requests.query .Values.metrics.enabled -}}
true
{{- end -}}
{{- end -}}

{{/* Whether the cluster serves Pods metrics; empty if not, or without a cluster to ask. */}}
{{- define "users-api.hasCustomMetrics" -}}
{{- if or (.Capabilities.APIVersions.Has "custom.metrics.k8s.io/v1beta2") (.Capabilities.APIVersions.Has "custom.metrics.k8s.io/v1beta1") -}}
true
{{- end -}}
{{- end -}}

{{/* Where the requests in flight come from: customMetrics, prometheus or none. The engine alone says so. */}}
{{- define "users-api.inFlightSource" -}}
{{- $sources := dict "keda" "prometheus" "hpa" "customMetrics" -}}
{{- .Values.autoscaling.inFlight.enabled | ternary (get $sources .Values.autoscaling.engine | default "none") "none" -}}
{{- end -}}

{{/* A Prometheus trigger of KEDA's. Takes a dict of root, name, query and threshold. */}}
{{- define "users-api.prometheusTrigger" -}}
{{- $prometheus := .root.Values.autoscaling.requestRate.prometheus -}}
- type: prometheus
  name: {{ .name | quote }}
  metricType: AverageValue
  metadata:
    serverAddress: {{ $prometheus.url | quote }}
    query: {{ .query | quote }}
    threshold: {{ .threshold | quote }}
    # No answer is a fault, not a zero: see the query.
    ignoreNullValues: "false"
    {{- with $prometheus.authModes }}
    authModes: {{ . | quote }}
    {{- end }}
  {{- with $prometheus.triggerAuthentication }}
  authenticationRef:
    name: {{ .name | quote }}
    kind: {{ .kind | quote }}
  {{- end }}
{{- end -}}

{{/* The count of replicas where it is fixed; empty under an autoscaler, the chart's or the user's own. */}}
{{- define "users-api.fixedCount" -}}
{{- if eq .Values.autoscaling.engine "none" -}}
{{- with .Values.replicaCount -}}{{- . -}}{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Name of the engine's HPA, which no other engine's has: a new object begins with the count there is, and knows nothing of what was
wanted before; and Helm cannot adopt KEDA's, which has the release's labels and goes when the ScaledObject does.
*/}}
{{- define "users-api.autoscalerName" -}}
{{- $suffix := get (dict "none" "-fixed" "keda" "-keda") .Values.autoscaling.engine -}}
{{- include "users-api.fullname" . }}{{ $suffix }}
{{- end -}}

{{/* Lowest number of replicas there may be: the autoscaler's minimum, or the fixed count without one. */}}
{{- define "users-api.minReplicas" -}}
{{- include "users-api.fixedCount" . | default .Values.autoscaling.minReplicas -}}
{{- end -}}

{{/* HPA behavior; tolerance is left out where the cluster has no such field by default (KEP-4951: beta in 1.35). */}}
{{- define "users-api.behavior" -}}
{{- $behavior := deepCopy .Values.autoscaling.behavior -}}
{{- if semverCompare "<1.35-0" .Capabilities.KubeVersion.Version -}}
{{- range $direction, $rules := $behavior -}}
{{- $_ := unset $rules "tolerance" -}}
{{- end -}}
{{- end -}}
{{- range $direction, $rules := $behavior -}}
{{- if kindIs "invalid" (get $rules "tolerance") -}}
{{- $_ := unset $rules "tolerance" -}}
{{- end -}}
{{- end -}}
{{- toYaml $behavior -}}
{{- end -}}

{{/* PromQL selector of the API pods' series: "<deployment>-<replica set>-<pod>", so not Redis's pods. */}}
{{- define "users-api.podSelector" -}}
namespace="{{ .Release.Namespace }}",pod=~"{{ include "users-api.fullname" . }}-[a-z0-9]+-[a-z0-9]{5}"
{{- end -}}

{{/* Requests per second over all replicas; what counts of them, _counted.tpl says. */}}
{{- define "users-api.requestRateQuery" -}}
{{- $query := .Values.metrics.requests.query -}}
{{- if eq .Values.autoscaling.requestRate.from "ingress" -}}
{{- include "users-api.ingressRateQuery" . -}}
{{- else if $query -}}
{{- tpl $query . | trim -}}
{{- else -}}
{{- include "users-api.counted.rate" (dict "root" . "from" "app") -}}
{{- end -}}
{{- end -}}

{{/*
Whose metrics the pods have beside their counter, which is what the names of these begin with; empty without any. An image that takes no
settings of this chart's is not the users API.
*/}}
{{- define "users-api.library" -}}
{{- $library := .Values.metrics.library -}}
{{- if and .Values.metrics.enabled (ne $library "none") (or (ne $library "users_api") .Values.app.settings.prefix) -}}
{{- $library -}}
{{- end -}}
{{- end -}}

{{/* Gauge of the requests under way. */}}
{{- define "users-api.inFlightMetric" -}}
{{ .Values.metrics.library }}_requests_in_flight
{{- end -}}

{{/* Requests under way in all replicas. A version of the service without the metric has no answer, which is a fault. */}}
{{- define "users-api.inFlightQuery" -}}
sum({{ include "users-api.inFlightMetric" . }}{ {{- include "users-api.podSelector" . }}})
{{- end -}}
