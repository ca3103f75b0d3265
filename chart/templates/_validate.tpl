{{/*
Refuses values that would install and then fail. All problems are told at once, each with what to do.
*/}}
{{- define "users-api.validate" -}}
{{- $problems := list -}}
{{- range list "autoscaling" "ingressRate" "promises" "behavior" "resources" "disruption" "shutdown" "app" "settings" "environment" "routing" "ingress" "redis" "postgresql" "logins" "pooler" "bundled" "cloudnativepg" "budget" "monitoring" "names" "labels" "pod" "containers" "service" -}}
{{- $found := include (printf "users-api.validate.%s" .) $ -}}
{{- range splitList "\n" $found -}}
{{- with trim . -}}
{{- $problems = append $problems (printf "  - %s" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $problems -}}
{{- fail (printf "\n\nthe values don't fit together:\n%s\n" (join "\n" $problems)) -}}
{{- end -}}
{{- end -}}

{{/* Replicas, and a source for each metric. */}}
{{- define "users-api.validate.autoscaling" -}}
{{- $scaling := .Values.autoscaling -}}
{{- $rate := $scaling.requestRate -}}
{{- $source := include "users-api.requestRateSource" . -}}
{{- if and (ne $scaling.engine "none") (gt (int $scaling.minReplicas) (int $scaling.maxReplicas)) }}
autoscaling.minReplicas {{ $scaling.minReplicas }} is above maxReplicas {{ $scaling.maxReplicas }}: raise maxReplicas or lower minReplicas
{{- end }}
{{- if and (eq $scaling.engine "keda") (eq $source "prometheus") (not $rate.prometheus.url) }}
autoscaling.engine keda has no Prometheus to ask: set autoscaling.requestRate.prometheus.url, or requestRate.source=none to scale on CPU alone
{{- end }}
{{- if and (eq (include "users-api.inFlightSource" .) "prometheus") (ne $source "prometheus") (not $rate.prometheus.url) }}
autoscaling.inFlight has no Prometheus to ask: set autoscaling.requestRate.prometheus.url, or autoscaling.inFlight.enabled=false
{{- end }}
{{- if and (eq (include "users-api.inFlightSource" .) "customMetrics") (ne $source "customMetrics") (not (include "users-api.hasCustomMetrics" .)) }}
autoscaling.inFlight needs an adapter for custom.metrics.k8s.io that serves {{ include "users-api.inFlightMetric" . }}, which this cluster lacks: install one (where there is no cluster to ask, say --api-versions custom.metrics.k8s.io/v1beta2), use autoscaling.engine=keda, or set autoscaling.inFlight.enabled=false
{{- end }}
{{- if and (eq $scaling.engine "hpa") (eq $source "prometheus") }}
an HPA cannot query Prometheus: use autoscaling.engine=keda, or requestRate.source=customMetrics with an adapter that serves {{ $rate.metricName }}
{{- end }}
{{- if and (eq $scaling.engine "keda") (eq $source "customMetrics") }}
KEDA has no Pods metrics: use autoscaling.requestRate.source=prometheus, or autoscaling.engine=hpa
{{- end }}
{{- if and (eq $source "prometheus") (lt (int $rate.windowSeconds) (int (mul 4 .Values.metrics.scrapeIntervalSeconds))) }}
autoscaling.requestRate.windowSeconds {{ $rate.windowSeconds }} is under four scrapes of {{ .Values.metrics.scrapeIntervalSeconds }} s: raise it to {{ mul 4 .Values.metrics.scrapeIntervalSeconds }}, or set metrics.scrapeIntervalSeconds to what your Prometheus does
{{- end }}
{{- if and $scaling.keda.fallback.replicas (gt (int $scaling.keda.fallback.replicas) (int $scaling.maxReplicas)) }}
autoscaling.keda.fallback.replicas {{ $scaling.keda.fallback.replicas }} is above maxReplicas {{ $scaling.maxReplicas }}: lower it
{{- end }}
{{- if and (ne $scaling.engine "none") (not (dig "requests" "cpu" "" .Values.resources)) }}
the CPU target is a percentage of the CPU request, and there is none: set resources.requests.cpu
{{- end }}
{{- with $rate.prometheus.triggerAuthentication }}
{{- if not (and .name (has .kind (list "TriggerAuthentication" "ClusterTriggerAuthentication"))) }}
autoscaling.requestRate.prometheus.triggerAuthentication needs a name, and the kind TriggerAuthentication or ClusterTriggerAuthentication
{{- end }}
{{- end }}
{{- /* Older revisions of the chart had one name for both, and no annotation for KEDA's webhook. */}}
{{- $name := include "users-api.fullname" . }}
{{- with lookup "autoscaling/v2" "HorizontalPodAutoscaler" .Release.Namespace $name }}
{{- $byKeda := false }}
{{- range .metadata.ownerReferences }}
{{- $byKeda = or $byKeda (eq .kind "ScaledObject") }}
{{- end }}
{{- if and $byKeda (eq $scaling.engine "hpa") }}
HPA {{ $name }} is KEDA's, from an older chart, and would be deleted with the ScaledObject: upgrade once with autoscaling.engine=keda, which renames it, and then again with hpa
{{- end }}
{{- if and (not $byKeda) (eq $scaling.engine "keda") (ne "false" (dig "annotations" "validations.keda.sh/hpa-ownership" "" .metadata)) }}
KEDA's webhook would refuse a ScaledObject beside HPA {{ $name }}, which is from an older chart: upgrade once with the present engine, which marks it, and then again with keda
{{- end }}
{{- end }}
{{- end -}}

{{/* What an HPA's behavior may say: the API server refuses the rest, KEDA's only after the ScaledObject was taken. */}}
{{- define "users-api.validate.behavior" -}}
{{- range $direction, $rules := .Values.autoscaling.behavior }}
{{- $name := printf "autoscaling.behavior.%s" $direction }}
{{- range $key, $_ := $rules }}
{{- if not (has $key (list "stabilizationWindowSeconds" "selectPolicy" "policies" "tolerance")) }}
{{ $name }}.{{ $key }} is not a field of an HPA: use stabilizationWindowSeconds, selectPolicy, policies or tolerance
{{- end }}
{{- end }}
{{- if not (has $rules.selectPolicy (list nil "Max" "Min" "Disabled")) }}
{{ $name }}.selectPolicy {{ $rules.selectPolicy }} is none of Max, Min and Disabled
{{- end }}
{{- if and (eq $rules.selectPolicy "Disabled") (eq $direction "scaleUp") }}
{{ $name }}.selectPolicy Disabled never adds a replica: use Max, or autoscaling.engine=none for a fixed count
{{- end }}
{{- with $rules.stabilizationWindowSeconds }}
{{- if or (lt (int .) 0) (gt (int .) 3600) }}
{{ $name }}.stabilizationWindowSeconds {{ . }} is not within 0 and 3600
{{- end }}
{{- end }}
{{- if not (regexMatch "^(<nil>|0|1|0?[.][0-9]+|[0-9]+m)$" ($rules.tolerance | toString)) }}
{{ $name }}.tolerance {{ $rules.tolerance }} is no share of the target: write for example "0.05"
{{- end }}
{{- range $rules.policies }}
{{- if not (and (has .type (list "Percent" "Pods")) (gt (int .value) 0) (gt (int .periodSeconds) 0) (le (int .periodSeconds) 1800)) }}
{{ $name }}.policies has {{ toJson . }}: each needs the type Percent or Pods, a value above 0 and periodSeconds of 1 to 1800
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A quantity as a number, e.g. of bytes. */}}
{{- define "users-api.quantity" -}}
{{- $units := dict "" 1.0 "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 "Pi" 1125899906842624.0 "Ei" 1152921504606846976.0 -}}
{{- $text := toString . -}}
{{- mulf (regexFind "^[0-9.]+" $text | float64) (get $units (regexFind "[A-Za-z]*$" $text)) -}}
{{- end -}}

{{/* Requests that fit their limits. */}}
{{- define "users-api.validate.resources" -}}
{{- range $resource, $limit := .Values.resources.limits }}
{{- with get ($.Values.resources.requests | default dict) $resource }}
{{- if and $limit (gt (include "users-api.quantity" . | float64) (include "users-api.quantity" $limit | float64)) }}
resources.requests.{{ $resource }} {{ . }} is above resources.limits.{{ $resource }} {{ $limit }}: raise the limit or lower the request
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.redis.resources.requests.memory }}
{{- if and $.Values.redis.enabled (gt (include "users-api.quantity" . | float64) (mulf 1048576 $.Values.redis.resources.limitMebibytes)) }}
redis.resources.requests.memory {{ . }} is above redis.resources.limitMebibytes {{ $.Values.redis.resources.limitMebibytes }}: raise the limit or lower the request
{{- end }}
{{- end }}
{{- end -}}

{{/* How many of a number a count or a percentage is, rounded "up" or "down". Takes a list of the three. */}}
{{- define "users-api.share" -}}
{{- $share := first . | toString -}}
{{- if not (hasSuffix "%" $share) -}}
{{- int $share -}}
{{- else -}}
{{- $exact := divf (mulf (trimSuffix "%" $share | float64) (index . 1)) 100 -}}
{{- eq (last .) "up" | ternary (ceil $exact) (floor $exact) | int -}}
{{- end -}}
{{- end -}}

{{/* A budget that the smallest fleet can meet, and a rollout that can move. */}}
{{- define "users-api.validate.disruption" -}}
{{- $budget := .Values.podDisruptionBudget -}}
{{- $floor := include "users-api.minReplicas" . | int -}}
{{- if $budget.enabled -}}
{{- if not (kindIs "invalid" $budget.minAvailable) -}}
{{- $wanted := $budget.minAvailable | toString -}}
{{- $count := include "users-api.share" (list $wanted $floor "up") | int -}}
{{- if ge $count $floor }}
podDisruptionBudget.minAvailable {{ $wanted }} of {{ $floor }} replicas lets no pod go, so no node could be drained: lower it, use maxUnavailable, or raise {{ include "users-api.fixedCount" . | empty | ternary "autoscaling.minReplicas" "replicaCount" }}
{{- end }}
{{- else if has ($budget.maxUnavailable | toString) (list "0" "0%") }}
podDisruptionBudget.maxUnavailable {{ $budget.maxUnavailable }} lets no pod go, so no node could be drained: set at least 1
{{- else if and (gt $floor 1) (ge (include "users-api.share" (list $budget.maxUnavailable $floor "up") | int) $floor) }}
podDisruptionBudget.maxUnavailable {{ $budget.maxUnavailable }} of {{ $floor }} replicas lets a drain take every one at once: lower it, or raise {{ include "users-api.fixedCount" . | empty | ternary "autoscaling.minReplicas" "replicaCount" }}
{{- end }}
{{- end }}
{{- if and (gt $floor 1) (ge (include "users-api.share" (list .Values.strategy.maxUnavailable $floor "down") | int) $floor) }}
strategy.maxUnavailable {{ .Values.strategy.maxUnavailable }} of {{ $floor }} replicas lets a rollout take every one at once: set 0 and let strategy.maxSurge move it
{{- end }}
{{- if and (has (.Values.strategy.maxSurge | toString) (list "0" "0%")) (has (.Values.strategy.maxUnavailable | toString) (list "0" "0%")) }}
strategy.maxSurge and strategy.maxUnavailable are both 0, so no rollout could start: set maxSurge to at least 1
{{- end }}
{{- end -}}

{{/* Time to stop in. */}}
{{- define "users-api.validate.shutdown" -}}
{{- $sleep := int .Values.lifecycle.preStopSleepSeconds -}}
{{- $delay := ceil .Values.config.shutdownDelaySeconds | int -}}
{{- $drain := int .Values.config.shutdownDrainSeconds -}}
{{- $needed := add $sleep $delay $drain 5 -}}
{{- if lt (int .Values.lifecycle.terminationGracePeriodSeconds) (int $needed) }}
lifecycle.terminationGracePeriodSeconds {{ .Values.lifecycle.terminationGracePeriodSeconds }} ends before the preStop sleep ({{ $sleep }} s), the delay ({{ $delay }} s) and the drain ({{ $drain }} s) do: raise it to {{ $needed }}, or requests under way are cut
{{- end }}
{{- end -}}

{{/* Images that may change under a name, and what stands beside the settings: _settings.tpl has the settings' own. */}}
{{- define "users-api.validate.environment" -}}
{{- $environment := printf "%sENVIRONMENT" .Values.app.settings.prefix -}}
{{- if eq (get (include "users-api.settings" . | fromJson) $environment | default .Values.config.environment) "production" -}}
{{- if and (eq (.Values.image.tag | toString) "latest") (not .Values.image.digest) }}
image.tag latest may be another image tomorrow, so that two pods may run two builds: name a version in image.tag or set image.digest
{{- end }}
{{- if and .Values.redis.enabled (eq (.Values.redis.image.tag | toString) "latest") (not .Values.redis.image.digest) }}
redis.image.tag latest may be another image tomorrow: name a version in redis.image.tag or set redis.image.digest
{{- end }}
{{- end }}
{{- if and .Values.auth.staticTokens .Values.auth.existingSecret }}
auth.staticTokens and auth.existingSecret both hold tokens: keep one
{{- end }}
{{- if and .Values.tracing.enabled (not .Values.tracing.endpoint) }}
tracing.enabled has nowhere to send traces: set tracing.endpoint
{{- end }}
{{- end -}}

{{/* A way in, and a certificate for it. */}}
{{- define "users-api.validate.routing" -}}
{{- $tls := .Values.routing.tls -}}
{{- if and (ne $tls.mode "none") (not .Values.ingress.enabled) (not .Values.httpRoute.enabled) }}
routing.tls.mode {{ $tls.mode }} has nothing to serve a certificate: set ingress.enabled or httpRoute.enabled, or routing.tls.mode=none
{{- end }}
{{- if and (eq $tls.mode "secret") (not $tls.secretName) }}
routing.tls.mode secret needs routing.tls.secretName
{{- end }}
{{- if and (eq $tls.mode "certManager") (not $tls.issuerRef.name) }}
routing.tls.mode certManager needs routing.tls.issuerRef.name: an Issuer or ClusterIssuer of yours; or use selfSigned
{{- end }}
{{- if and (has $tls.mode (list "certManager" "selfSigned" "generated")) (not .Values.routing.hosts) }}
routing.tls.mode {{ $tls.mode }} makes a certificate for the names in routing.hosts: set at least one
{{- end }}
{{- if and (eq $tls.mode "generated") (le (int $tls.generated.validDays) (int $tls.generated.renewDays)) }}
routing.tls.generated.renewDays {{ $tls.generated.renewDays }} is not under validDays {{ $tls.generated.validDays }}, so that each look would make another certificate: lower it
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
httpRoute.enabled without httpRoute.parentRefs attaches to no Gateway: name one
{{- end }}
{{- range concat .Values.httpRoute.parentRefs .Values.httpRoute.redirectParentRefs }}
{{- if not .name }}
an entry of httpRoute.parentRefs or redirectParentRefs has no name: name the Gateway
{{- end }}
{{- end }}
{{- if and .Values.httpRoute.enabled .Values.httpRoute.redirectParentRefs (eq $tls.mode "none") }}
httpRoute.redirectParentRefs sends clients to HTTPS, which routing.tls.mode none does not serve: set a mode, or leave them out
{{- end }}
{{- if and .Values.httpRoute.enabled (eq .Values.httpRoute.retry "gatewayAPI") (gt (len .Values.routing.paths) 32) }}
routing.paths has {{ len .Values.routing.paths }} entries, and httpRoute.retry gatewayAPI has room for 32: a rule takes 64 matches, and each path is there for GET and for HEAD
{{- end }}
{{- range .Values.routing.hosts }}
{{- if regexMatch "^([0-9]{1,3}[.]){3}[0-9]{1,3}$" . }}
routing.hosts has {{ . }}: an Ingress and an HTTPRoute take names, not addresses; leave it out, which means any host
{{- end }}
{{- end }}
{{- range .Values.routing.paths }}
{{- if regexMatch "//|/[.][.]?(/|$)|%2[fF]|#" . }}
routing.paths has {{ toJson . }}: a path prefix has no "//", no part "." or "..", no "%2f" and no "#"
{{- else if and $.Values.httpRoute.enabled (not (regexMatch "^([-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+$" .)) }}
routing.paths has {{ toJson . }}: the Gateway API takes letters, digits and -._~!$&'()*+,;=:@/ in a path; write others as % and two hexadecimal digits
{{- end }}
{{- end }}
{{- range $name, $url := dict "auth.jwt.jwksUrl" .Values.auth.jwt.jwksUrl "tracing.endpoint" .Values.tracing.endpoint "autoscaling.requestRate.prometheus.url" .Values.autoscaling.requestRate.prometheus.url }}
{{- $port := include "users-api.port" $url | atoi }}
{{- if or (lt $port 1) (gt $port 65535) }}
{{ $name }} {{ $url }} names port {{ $port }}: a port is 1 to 65535
{{- end }}
{{- end }}
{{- if and (or .Values.ingress.enabled .Values.httpRoute.enabled) (not .Values.routing.paths) }}
routing.paths is empty, so no request is let through: name the paths, at least [/api]
{{- end }}
{{- end -}}

{{/* A Service that the API server takes. */}}
{{- define "users-api.validate.service" -}}
{{- $service := .Values.service -}}
{{- if and $service.nodePort (eq $service.type "ClusterIP") }}
service.nodePort {{ $service.nodePort }} has no meaning with service.type ClusterIP: set service.type=NodePort or LoadBalancer, or leave it out
{{- end }}
{{- if ne $service.type "LoadBalancer" }}
{{- range list "loadBalancerClass" "loadBalancerSourceRanges" }}
{{- if get $service . }}
service.{{ . }} has no meaning with service.type {{ $service.type }}: set service.type=LoadBalancer, or leave it out
{{- end }}
{{- end }}
{{- end }}
{{- if and $service.externalTrafficPolicy (eq $service.type "ClusterIP") }}
service.externalTrafficPolicy {{ $service.externalTrafficPolicy }} has no meaning with service.type ClusterIP: set service.type=NodePort or LoadBalancer, or leave it out
{{- end }}
{{- if and (eq (len ($service.ipFamilies | default list)) 2) (eq $service.ipFamilyPolicy "SingleStack") }}
service.ipFamilies names two families and service.ipFamilyPolicy SingleStack takes one: set PreferDualStack or RequireDualStack, or name one
{{- end }}
{{- if and (eq (len ($service.ipFamilies | default list)) 2) (not $service.ipFamilyPolicy) }}
service.ipFamilies names two families, which a Service has only if asked: set service.ipFamilyPolicy=PreferDualStack or RequireDualStack
{{- end }}
{{- if ne (len ($service.ipFamilies | default list)) (len ($service.ipFamilies | default list | uniq)) }}
service.ipFamilies names a family twice: leave one out
{{- end }}
{{- if and (eq (.Values.dnsPolicy | toString) "None") (not (dig "nameservers" "" (.Values.dnsConfig | default dict))) }}
dnsPolicy None leaves the pods without a resolver: name one in dnsConfig.nameservers
{{- end }}
{{- if and .Chart.IsRoot (not .Values.enabled) }}
enabled is for the `condition` of a parent chart, and has no effect on a release of its own: leave it out, or uninstall the release
{{- end }}
{{- end -}}

{{/* Memory for Redis, a user that it takes, and a password for a managed one. */}}
{{- define "users-api.validate.redis" -}}
{{- $redis := .Values.redis -}}
{{- if and $redis.enabled (not $redis.auth.existingSecret) }}
{{- $username := $redis.auth.username }}
{{- if eq $username "default" }}
redis.auth.username default is the user of clients that do not log in, and is turned off: choose another, such as users-api
{{- else if and (eq $username "exporter") $redis.exporter.enabled }}
redis.auth.username exporter is the metrics exporter's, which may read no keys: choose another, such as users-api
{{- else if regexMatch "[[:space:][:cntrl:]]" $username }}
redis.auth.username {{ $username | quote }} has a space or control character, which a user of Redis cannot have: leave it out
{{- end }}
{{- end }}
{{- if and $redis.auth.existingSecret $redis.auth.password }}
redis.auth.existingSecret and redis.auth.password both name a password: keep one
{{- end }}
{{- if and $redis.persistence.existingClaim (not $redis.persistence.enabled) }}
redis.persistence.existingClaim is not used: set redis.persistence.enabled=true, or leave it out
{{- end }}
{{- /* Where there is no cluster to look at this finds nothing, and nothing that is rendered depends on it. */}}
{{- with (lookup "apps/v1" "StatefulSet" .Release.Namespace (include "users-api.redis.fullname" .)).spec }}
{{- if and $redis.enabled .volumeClaimTemplates }}
StatefulSet {{ include "users-api.redis.fullname" $ }} was made by an older chart with a volume template, which Kubernetes lets nobody change: run `kubectl --namespace {{ $.Release.Namespace }} delete statefulset {{ include "users-api.redis.fullname" $ }} --cascade=orphan` and upgrade again; the service answers meanwhile, and its cache begins empty
{{- end }}
{{- end }}
{{- if and $redis.enabled (ge (int $redis.maxmemoryMebibytes) (int $redis.resources.limitMebibytes)) }}
redis.maxmemoryMebibytes {{ $redis.maxmemoryMebibytes }} is not under redis.resources.limitMebibytes {{ $redis.resources.limitMebibytes }}: Redis would be killed before it evicts; set at most {{ div (mul 3 $redis.resources.limitMebibytes) 4 }}
{{- end }}
{{- if and $redis.enabled $redis.external.host }}
redis.enabled and redis.external.host name two servers: set redis.enabled=false to use the external one
{{- end }}
{{- if and (not $redis.enabled) (not $redis.external.host) (or $redis.external.existingSecret $redis.external.caSecret) }}
redis.external has a Secret and no host: set redis.external.host, or redis.enabled=true for a Redis of the release's own
{{- end }}
{{- if and (not $redis.enabled) $redis.external.caSecret (not $redis.external.tls) }}
redis.external.caSecret is for TLS: set redis.external.tls=true
{{- end }}
{{- end -}}

{{/* Each pod scraped once, and objects only where their operator is. */}}
{{- define "users-api.validate.monitoring" -}}
{{- if and .Values.metrics.podMonitor.enabled .Values.metrics.serviceMonitor.enabled }}
metrics.podMonitor and metrics.serviceMonitor would scrape each pod twice and double the request rate: keep one
{{- end }}
{{- /* Only a live cluster tells what it serves; the namespace's default ServiceAccount shows whether this is one. */}}
{{- if lookup "v1" "ServiceAccount" .Release.Namespace "default" }}
{{- if and (eq .Values.autoscaling.engine "keda") (not (.Capabilities.APIVersions.Has "keda.sh/v1alpha1")) }}
autoscaling.engine keda needs KEDA, which this cluster lacks: install it, or set autoscaling.engine=hpa
{{- end }}
{{- if and (or .Values.metrics.podMonitor.enabled .Values.metrics.serviceMonitor.enabled .Values.prometheusRule.enabled) (not (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1")) }}
metrics.podMonitor, metrics.serviceMonitor and prometheusRule need the Prometheus operator, which this cluster lacks: install it, or turn them off and keep metrics.annotations
{{- end }}
{{- if and (has .Values.routing.tls.mode (list "certManager" "selfSigned")) (not (.Capabilities.APIVersions.Has "cert-manager.io/v1")) }}
routing.tls.mode {{ .Values.routing.tls.mode }} needs cert-manager, which this cluster lacks: install it, or use secret or generated
{{- end }}
{{- if and (eq .Values.postgresql.mode "cloudnativepg") (not (.Capabilities.APIVersions.Has "postgresql.cnpg.io/v1")) }}
postgresql.mode cloudnativepg needs CloudNativePG's operator, which this cluster lacks: install it, or use external or bundled
{{- end }}
{{- if and (eq .Values.postgresql.mode "cloudnativepg") .Values.postgresql.cloudnativepg.backup.enabled (not (.Capabilities.APIVersions.Has "barmancloud.cnpg.io/v1")) }}
postgresql.cloudnativepg.backup needs the Barman Cloud plugin, which this cluster lacks: install it beside the operator, or turn the backup off
{{- end }}
{{- if and .Values.httpRoute.enabled (not (.Capabilities.APIVersions.Has "gateway.networking.k8s.io/v1")) }}
httpRoute needs the Gateway API, which this cluster lacks: install its CRDs and an implementation, or use ingress
{{- end }}
{{- if and .Values.httpRoute.enabled (eq .Values.httpRoute.retry "traefik") (not (.Capabilities.APIVersions.Has "traefik.io/v1alpha1")) }}
httpRoute.retry traefik needs Traefik's own kinds, which this cluster lacks: install its CRDs and turn on providers.kubernetesCRD, or use gatewayAPI or none
{{- end }}
{{- end }}
{{- end -}}
