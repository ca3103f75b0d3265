{{/*
Who counts requests, and by which names: the one place that scaling and alerts know them from. A JSON object: `counter` and its label
`status`; `histogram` of their times, empty without one, and how many of its units make a second, `unit`; `selectors` of the
release's own series, of which one finds them; `scraped`, which there is wherever the one who counts is scraped, asked or not. Takes a
dict of root and from, which is app or ingress.
*/}}
{{- define "users-api.counted" -}}
{{- include (printf "users-api.counted.%s" (eq .from "app" | ternary "app" .root.Values.autoscaling.requestRate.ingress.controller)) .root -}}
{{- end -}}

{{/* The application itself. */}}
{{- define "users-api.counted.app" -}}
{{- $requests := .Values.metrics.requests -}}
{{- $pods := include "users-api.podSelector" . -}}
{{- dict
  "counter" $requests.counter "status" $requests.statusLabel
  "histogram" (eq $requests.histogram "none" | ternary "" $requests.histogram) "unit" 1
  "selectors" (list $pods) "scraped" (printf "(up{%s} == 1)" $pods) | toJson -}}
{{- end -}}

{{/* ingress-nginx. Its own `namespace` gives way to that of the pod which is scraped, unless the scrape honours labels. */}}
{{- define "users-api.counted.nginx" -}}
{{- $own := printf "namespace=\"%s\",ingress=\"%s\"" .Release.Namespace (include "users-api.fullname" .) -}}
{{- dict
  "counter" "nginx_ingress_controller_requests" "status" "status"
  "histogram" "nginx_ingress_controller_request_duration_seconds" "unit" 1
  "selectors" (list (printf "exported_%s" $own) (printf "exported_namespace=\"\",%s" $own))
  "scraped" "nginx_ingress_controller_config_last_reload_successful" | toJson -}}
{{- end -}}

{{/*
Traefik: for an Ingress `<namespace>-<service>-<port>`, in its nginx provider of 3.6 on with the Ingress' name before the Service's;
for an HTTPRoute as in 3.0 and 3.1, with `-http` from 3.2 on, and from 3.7 on with all that leads there before it. An attempt that
is repeated counts again, as a pod had it twice. What finds no pod at all is counted by no service of Traefik's.
*/}}
{{- define "users-api.counted.traefik" -}}
{{- $name := include "users-api.fullname" . -}}
{{- $service := include "users-api.counted.normalized" (printf "%s-%s" .Release.Namespace $name) -}}
{{- $of := list -}}
{{- if .Values.ingress.enabled -}}
{{- $twice := include "users-api.counted.normalized" (printf "%s-%s-%s" .Release.Namespace $name $name) -}}
{{- $of = list (printf "%s-http@kubernetes" $service) (printf "(%s|%s)-http@kubernetesingressnginx" $service $twice) -}}
{{- end -}}
{{- if .Values.httpRoute.enabled -}}
{{- $of = append $of (printf "(%s(-http)?-%v|httproute-%s-gw-.+-svc-%s-%s-0)@kubernetesgateway" $service .Values.service.port $service .Release.Namespace $name) -}}
{{- end -}}
{{- dict
  "counter" "traefik_service_requests_total" "status" "code"
  "histogram" "traefik_service_request_duration_seconds" "unit" 1
  "selectors" (list (printf "service=~\"%s\"" (join "|" $of))) "scraped" "traefik_config_reloads_total" | toJson -}}
{{- end -}}

{{/* As Traefik makes one word of several. */}}
{{- define "users-api.counted.normalized" -}}
{{- regexReplaceAll "[^A-Za-z0-9]+" . "-" -}}
{{- end -}}

{{/*
Envoy. For an HTTPRoute Envoy Gateway's: a cluster for each of its rules, or, with mergeBackends, one for the Service. For an Ingress
Contour's: one for the Service, whatever leads there. Times are in ms.
*/}}
{{- define "users-api.counted.envoy" -}}
{{- $name := include "users-api.fullname" . -}}
{{- $own := printf "%s/%s" .Release.Namespace $name -}}
{{- $of := list -}}
{{- if .Values.ingress.enabled -}}
{{- $of = list (printf "%s_%s_%v" .Release.Namespace $name .Values.service.port) -}}
{{- end -}}
{{- if .Values.httpRoute.enabled -}}
{{- $of = append $of (printf "httproute/%s/rule/[0-9]+|service/%s/%v" $own $own .Values.service.port) -}}
{{- end -}}
{{- dict
  "counter" "envoy_cluster_upstream_rq" "status" "envoy_response_code"
  "histogram" "envoy_cluster_upstream_rq_time" "unit" 1000
  "selectors" (list (printf "envoy_cluster_name=~\"%s\"" (join "|" $of))) "scraped" "envoy_server_live" | toJson -}}
{{- end -}}

{{/* The way in that is enabled though the controller counts nothing of it; empty if there is none. */}}
{{- define "users-api.counted.not" -}}
{{- $controller := .Values.autoscaling.requestRate.ingress.controller -}}
{{- if and (eq $controller "nginx") .Values.httpRoute.enabled -}}
httpRoute
{{- else if and (eq $controller "envoy") .Values.ingress.enabled .Values.httpRoute.enabled -}}
{{- /* Contour's Envoy has one of them, Envoy Gateway's the other. */ -}}
ingress
{{- end -}}
{{- end -}}

{{/*
One of these series, without a sum: itself, or its growth a second over a window. Takes a dict of counted, which is the object above, and
name; and window, and to have only some of them matcher.
*/}}
{{- define "users-api.counted.series" -}}
{{- range $place, $selector := .counted.selectors -}}
{{- if $place }} or {{ end -}}
{{- $series := printf "%s{%s}" $.name (list $selector $.matcher | compact | join ",") -}}
{{- with $.window }}rate({{ $series }}[{{ . }}]){{ else }}{{ $series }}{{ end -}}
{{- end -}}
{{- end -}}

{{/*
Requests a second that count for the autoscaler. Refused requests don't: a flood of 429s must not buy replicas. Where the one who counts
is scraped and nothing was asked of it yet the answer is 0; where it is not scraped there is no answer, so that the autoscaler holds
instead of scaling in. Takes a dict of root and from.
*/}}
{{- define "users-api.counted.rate" -}}
{{- $rate := .root.Values.autoscaling.requestRate -}}
{{- $counted := include "users-api.counted" . | fromJson -}}
{{- $matcher := "" -}}
{{- with join "|" $rate.excludedStatuses -}}
{{- $matcher = printf "%s!~\"%s\"" $counted.status . -}}
{{- end -}}
sum({{ include "users-api.counted.series" (dict "counted" $counted "name" $counted.counter "window" (printf "%vs" $rate.windowSeconds) "matcher" $matcher) }}) or sum(0 * {{ $counted.scraped }})
{{- end -}}
