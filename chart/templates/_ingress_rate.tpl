{{/*
Requests per second over all controllers, of the release's own Ingress or HTTPRoute. Where the controller is scraped and nothing was
asked of it yet the answer is 0, by a metric that it always has; where it is not scraped there is no answer.
*/}}
{{- define "users-api.ingressRateQuery" -}}
{{- $ingress := .Values.autoscaling.requestRate.ingress -}}
{{- if $ingress.query -}}
{{- tpl $ingress.query . | trim -}}
{{- else -}}
{{- include (printf "users-api.ingressRate.%s" $ingress.controller) . -}}
{{- end -}}
{{- end -}}

{{/* Rate of a counter. Takes a dict of root, counter, labels and the label of the status. */}}
{{- define "users-api.ingressRate" -}}
{{- $rate := .root.Values.autoscaling.requestRate -}}
rate({{ .counter }}{ {{- .labels }}{{ with join "|" $rate.excludedStatuses }},{{ $.status }}!~"{{ . }}"{{ end }}}[{{ $rate.windowSeconds }}s])
{{- end -}}

{{/* ingress-nginx. Its own `namespace` gives way to that of the pod which is scraped, unless the scrape honours labels. */}}
{{- define "users-api.ingressRate.nginx" -}}
{{- $own := printf "namespace=\"%s\",ingress=\"%s\"" .Release.Namespace (include "users-api.fullname" .) -}}
{{- $series := dict "root" . "counter" "nginx_ingress_controller_requests" "status" "status" -}}
{{- $exported := include "users-api.ingressRate" (merge (dict "labels" (printf "exported_%s" $own)) $series) -}}
{{- $honoured := include "users-api.ingressRate" (merge (dict "labels" (printf "exported_namespace=\"\",%s" $own)) $series) -}}
sum({{ $exported }} or {{ $honoured }}) or sum(0 * nginx_ingress_controller_config_last_reload_successful)
{{- end -}}

{{/*
Traefik: for an Ingress `<namespace>-<service>-<port>`, in its nginx provider of 3.6 on with the Ingress' name before the Service's;
for an HTTPRoute as in 3.0 and 3.1, with `-http` from 3.2 on, and from 3.7 on with all that leads there before it. An attempt that
is repeated counts again, as a pod had it twice.
*/}}
{{- define "users-api.ingressRate.traefik" -}}
{{- $name := include "users-api.fullname" . -}}
{{- $service := include "users-api.ingressRate.normalized" (printf "%s-%s" .Release.Namespace $name) -}}
{{- $of := list -}}
{{- if .Values.ingress.enabled -}}
{{- $twice := include "users-api.ingressRate.normalized" (printf "%s-%s-%s" .Release.Namespace $name $name) -}}
{{- $of = list (printf "%s-http@kubernetes" $service) (printf "(%s|%s)-http@kubernetesingressnginx" $service $twice) -}}
{{- end -}}
{{- if .Values.httpRoute.enabled -}}
{{- $of = append $of (printf "(%s(-http)?-%v|httproute-%s-gw-.+-svc-%s-%s-0)@kubernetesgateway" $service .Values.service.port $service .Release.Namespace $name) -}}
{{- end -}}
{{- $labels := printf "service=~\"%s\"" (join "|" $of) -}}
{{- $series := dict "root" . "counter" "traefik_service_requests_total" "status" "code" "labels" $labels -}}
sum({{ include "users-api.ingressRate" $series }}) or sum(0 * traefik_config_reloads_total)
{{- end -}}

{{/* As Traefik makes one word of several. */}}
{{- define "users-api.ingressRate.normalized" -}}
{{- regexReplaceAll "[^A-Za-z0-9]+" . "-" -}}
{{- end -}}

{{/* Envoy Gateway: a cluster for each rule of the HTTPRoute, or, with its mergeBackends, one for the Service. */}}
{{- define "users-api.ingressRate.envoy" -}}
{{- $own := printf "%s/%s" .Release.Namespace (include "users-api.fullname" .) -}}
{{- $labels := printf "envoy_cluster_name=~\"httproute/%s/rule/[0-9]+|service/%s/%v\"" $own $own .Values.service.port -}}
{{- $series := dict "root" . "counter" "envoy_cluster_upstream_rq" "status" "envoy_response_code" "labels" $labels -}}
sum({{ include "users-api.ingressRate" $series }}) or sum(0 * envoy_server_live)
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
{{- $ways := dict "nginx" .Values.httpRoute.enabled "envoy" .Values.ingress.enabled -}}
{{- $other := dict "nginx" "httpRoute" "envoy" "ingress" -}}
{{- if and (eq $rate.from "ingress") (ne $rate.source "none") (ne .Values.autoscaling.engine "none") }}
{{- if and (eq $source "prometheus") $rate.ingress.query }}
{{- else if not (or .Values.ingress.enabled .Values.httpRoute.enabled) }}
autoscaling.requestRate.from ingress has nobody who counts: set ingress.enabled=true or httpRoute.enabled=true, requestRate.ingress.query for a way in of your own, or requestRate.from=app
{{- else if and (eq $source "prometheus") (not $controller) }}
autoscaling.requestRate.from ingress does not know whose counters to ask for: set requestRate.ingress.controller to nginx, traefik or envoy, or requestRate.ingress.query to PromQL for another
{{- else if and (eq $source "prometheus") (get $ways $controller) }}
autoscaling.requestRate.ingress.controller {{ $controller }} counts nothing of {{ get $other $controller }}, which is enabled: set {{ get $other $controller }}.enabled=false, or requestRate.ingress.query to PromQL that adds up both
{{- else if and (eq $source "customMetrics") .Values.ingress.enabled .Values.httpRoute.enabled }}
autoscaling.requestRate.from ingress: an HPA asks for the rate of one object, and both ingress and httpRoute are enabled: turn one off, or use autoscaling.engine=keda
{{- end }}
{{- end }}
{{- end -}}
