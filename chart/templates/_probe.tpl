{{/* A probe by HTTP. Takes one of the values' probes. */}}
{{- define "users-api.probe" -}}
{{- /* In a flow mapping "?", "&", "%" and the like would mean something. */}}
{{- $path := regexMatch "^[/A-Za-z0-9._~-]+$" .path | ternary .path (quote .path) -}}
{{- printf "httpGet: { path: %s, port: http }" $path }}
{{ toYaml (omit . "path") }}
{{- end -}}
