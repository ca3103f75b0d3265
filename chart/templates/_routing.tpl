{{/* Who tries a request of the HTTPRoute again: gatewayAPI, traefik or none. */}}
{{- define "users-api.httpRouteRetry" -}}
{{- if gt (int .Values.routing.attempts) 1 -}}{{ .Values.httpRoute.retry }}{{- else -}}none{{- end -}}
{{- end -}}

{{/* Time limits of an HTTPRoute's rule: for one attempt, and for all. Takes a dict of root and attempts. */}}
{{- define "users-api.httpRouteTimeouts" -}}
{{- $seconds := int .root.Values.routing.readTimeoutSeconds -}}
request: {{ mul .attempts $seconds }}s
{{- if gt (int .attempts) 1 }}
backendRequest: {{ $seconds }}s
{{- end }}
{{- end -}}
