{{/* Names that Kubernetes takes. */}}
{{- define "users-api.validate.names" -}}
{{- $name := include "users-api.fullname" . }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) }}
the objects would be called {{ toJson $name }}, which is no name of a Service (letters, digits and "-", a letter first): set fullnameOverride
{{- end }}
{{- end -}}

{{/* Labels that selectors use are the chart's own. */}}
{{- define "users-api.validate.labels" -}}
{{- range $value := list "commonLabels" "podLabels" }}
{{- range $key := list "name" "instance" "component" }}
{{- if hasKey (get $.Values $value) (printf "app.kubernetes.io/%s" $key) }}
{{ $value }} sets app.kubernetes.io/{{ $key }}, by which Service and autoscaler find their pods: leave it out, or use {{ eq $key "name" | ternary "nameOverride" "another label" }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Volumes of one name each, and mounts of volumes that there are. */}}
{{- define "users-api.validate.pod" -}}
{{- $volumes := list "tmp" }}
{{- if and (not .Values.redis.enabled) .Values.redis.external.caSecret }}
{{- $volumes = append $volumes "redis-ca" }}
{{- end }}
{{- range include "users-api.postgresql.volumes" (dict "root" . "ofPooler" true) | fromYamlArray }}
{{- $volumes = append $volumes .name }}
{{- end }}
{{- $own := list }}
{{- range .Values.extraVolumes }}
{{- if has .name $own }}
extraVolumes has {{ .name }} twice: keep one
{{- end }}
{{- $own = append $own .name }}
{{- end }}
{{- $paths := list }}
{{- range .Values.extraVolumeMounts }}
{{- if not (has .name (concat $volumes $own)) }}
extraVolumeMounts mounts {{ .name }} at {{ .mountPath }}, and no volume is called so: add it to extraVolumes
{{- end }}
{{- if has .mountPath $paths }}
extraVolumeMounts mounts two volumes at {{ .mountPath }}: keep one
{{- end }}
{{- $paths = append $paths .mountPath }}
{{- end }}
{{- range .Values.extraEnv }}
{{- if and .value .valueFrom }}
app.env or extraEnv sets {{ .name }} by value and by valueFrom: keep one
{{- end }}
{{- end }}
{{- end -}}

{{/* Containers beside the API's own, which keep off its name and its port. */}}
{{- define "users-api.validate.containers" -}}
{{- $names := list "api" }}
{{- range concat .Values.initContainers .Values.sidecars }}
{{- if or (not .name) (has .name $names) }}
a container of initContainers or sidecars is called {{ .name | default "nothing" }}: give each a name of its own, other than api
{{- end }}
{{- $names = append $names .name }}
{{- end }}
{{- range concat .Values.initContainers .Values.sidecars }}
{{- $container := . }}
{{- range .ports }}
{{- if eq (int .containerPort) (int $.Values.app.port) }}
the container {{ $container.name }} of initContainers or sidecars has port {{ $.Values.app.port }}, where the service listens and traffic and probes go: give it another
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
