{{/*
Requests per second over all controllers, of the release's own Ingress or HTTPRoute; what is asked for, _counted.tpl says.
*/}}
{{- define "users-api.ingressRateQuery" -}}
{{- $query := .Values.autoscaling.requestRate.ingress.query -}}
{{- if $query -}}
{{- tpl $query . | trim -}}
{{- else -}}
{{- include "users-api.counted.rate" (dict "root" . "from" "ingress") -}}
{{- end -}}
{{- end -}}

{{/* The object that an adapter gives the rate of, as an HPA names it. */}}
{{- define "users-api.rateObject" -}}
{{- if .Values.ingress.enabled -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
{{- else -}}
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
{{- end }}
name: {{ include "users-api.fullname" . | quote }}
{{- end -}}

{{/* Somebody who counts, and one alone: what another counts would be left out. */}}
{{- define "users-api.validate.ingressRate" -}}
{{- $rate := .Values.autoscaling.requestRate -}}
{{- $source := include "users-api.requestRateSource" . -}}
{{- $controller := $rate.ingress.controller -}}
{{- $uncounted := include "users-api.counted.not" . -}}
{{- if and (eq $rate.from "ingress") (ne $rate.source "none") (ne .Values.autoscaling.engine "none") }}
{{- if and (eq $source "prometheus") $rate.ingress.query }}
{{- else if not (or .Values.ingress.enabled .Values.httpRoute.enabled) }}
autoscaling.requestRate.from ingress has nobody who counts: set ingress.enabled=true or httpRoute.enabled=true, requestRate.ingress.query for a way in of your own, or requestRate.from=app
{{- else if and (eq $source "prometheus") (not $controller) }}
autoscaling.requestRate.from ingress does not know whose counters to ask for: set requestRate.ingress.controller to nginx, traefik or envoy, or requestRate.ingress.query to PromQL for another
{{- else if and (eq $source "prometheus") $uncounted }}
autoscaling.requestRate.ingress.controller {{ $controller }} counts nothing of {{ $uncounted }}, which is enabled: set {{ $uncounted }}.enabled=false, or requestRate.ingress.query to PromQL that adds up both
{{- else if and (eq $source "customMetrics") .Values.ingress.enabled .Values.httpRoute.enabled }}
autoscaling.requestRate.from ingress: an HPA asks for the rate of one object, and both ingress and httpRoute are enabled: turn one off, or use autoscaling.engine=keda
{{- end }}
{{- end }}
{{- end -}}

{{/* The same of what is promised. */}}
{{- define "users-api.validate.promises" -}}
{{- $rule := .Values.prometheusRule -}}
{{- $controller := .Values.autoscaling.requestRate.ingress.controller -}}
{{- $uncounted := include "users-api.counted.not" . -}}
{{- if and $rule.enabled (eq $rule.from "app") }}
{{- if not .Values.metrics.enabled }}
prometheusRule.from app has no counter to ask for: set metrics.enabled=true, or prometheusRule.from=ingress to have the controller's, or none for alerts on Kubernetes' objects alone
{{- else if and (include "users-api.library" .) (eq .Values.metrics.requests.histogram "http_request_duration_seconds") (not (has (toString $rule.latencySeconds) (include "users-api.rule.edges" . | splitList " "))) }}
prometheusRule.latencySeconds {{ $rule.latencySeconds }} is no edge of the histogram: use one of {{ include "users-api.rule.edges" . | replace " " ", " }}
{{- end }}
{{- end }}
{{- if and $rule.enabled (eq $rule.from "ingress") }}
{{- if not (or .Values.ingress.enabled .Values.httpRoute.enabled) }}
prometheusRule.from ingress has nobody who counts: set ingress.enabled=true or httpRoute.enabled=true, or prometheusRule.from=app, or none for alerts on Kubernetes' objects alone
{{- else if not $controller }}
prometheusRule.from ingress does not know whose counters to ask for: set autoscaling.requestRate.ingress.controller to nginx, traefik or envoy, or prometheusRule.from=none for alerts on Kubernetes' objects alone
{{- else if $uncounted }}
prometheusRule.from ingress: {{ $controller }} counts nothing of {{ $uncounted }}, which is enabled: set {{ $uncounted }}.enabled=false, or prometheusRule.from=none
{{- end }}
{{- end }}
{{- end -}}
