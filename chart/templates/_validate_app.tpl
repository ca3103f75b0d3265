{{/* An application that can do what the values ask of it. */}}
{{- define "users-api.validate.app" -}}
{{- $prefix := .Values.app.settings.prefix -}}
{{- $rate := .Values.autoscaling.requestRate -}}
{{- range $name, $_ := .Values.app.config }}
{{- if not (regexMatch "^[-._a-zA-Z][-._a-zA-Z0-9]*$" $name) }}
app.config has {{ toJson $name }}, which is no name of a variable: use letters, digits, ".", "-" and "_", and begin with no digit
{{- else if and $prefix (hasPrefix $prefix $name) }}
app.config.{{ $name }} is a setting of the service: set it by its value, or by config.extra
{{- end }}
{{- end }}
{{- if and (not .Values.metrics.enabled) (or .Values.metrics.podMonitor.enabled .Values.metrics.serviceMonitor.enabled) }}
metrics.podMonitor and metrics.serviceMonitor have nothing to scrape: set metrics.enabled=true, or turn them off
{{- end }}
{{- if and (eq $rate.source "prometheus") (not (include "users-api.requestRateIsKnown" .)) }}
autoscaling.requestRate.source prometheus has no counter to ask for: set metrics.enabled=true, or metrics.requests.query, requestRate.from=ingress to have the controller's, or requestRate.source=none to scale on CPU alone
{{- end }}
{{- if and .Values.autoscaling.inFlight.enabled (not (include "users-api.library" .)) }}
autoscaling.inFlight has no gauge to ask for: set metrics.enabled=true and metrics.library to what the application is built on, or autoscaling.inFlight.enabled=false
{{- end }}
{{- if not $prefix }}
{{- range $name, $given := dict "auth.jwt.jwksUrl" .Values.auth.jwt.jwksUrl "auth.staticTokens" .Values.auth.staticTokens "auth.existingSecret" .Values.auth.existingSecret "tracing.enabled" .Values.tracing.enabled "config.extra" .Values.config.extra }}
{{- if $given }}
{{ $name }} is not read: with app.settings.enabled=false the image takes no settings; leave it out, or set app.settings.enabled=true
{{- end }}
{{- end }}
{{- if ne .Values.postgresql.mode "none" }}
postgresql.mode {{ .Values.postgresql.mode }} needs programs of the service's own image, which app.settings.enabled=false says this is not: set postgresql.mode=none, and name a database in app.env
{{- end }}
{{- if include "users-api.redis.generatesPassword" . }}
redis.auth has no password, and what would make one is in the service's own image, which app.settings.enabled=false says this is not: set redis.auth.existingSecret, or redis.enabled=false
{{- end }}
{{- if eq .Values.routing.tls.mode "generated" }}
routing.tls.mode generated needs a program of the service's own image, which app.settings.enabled=false says this is not: use secret, certManager or selfSigned
{{- end }}
{{- if .Values.tests.enabled }}
tests.enabled is about what the users API alone has, and app.settings.enabled=false says that this is another: set tests.enabled=false
{{- end }}
{{- end }}
{{- end -}}
