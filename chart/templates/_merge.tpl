{{/* Maps of strings as one, as YAML; of two with one key the later map's stays. Numbers and booleans become strings. Takes a list of maps. */}}
{{- define "users-api.strings" -}}
{{- $all := dict -}}
{{- range $map := . -}}
{{- range $key, $value := $map -}}
{{- $_ := set $all $key (toString $value) -}}
{{- end -}}
{{- end -}}
{{- if $all }}{{ toYaml $all }}{{ end -}}
{{- end -}}

{{/*
Lists of named things (variables, volumes, mounts) as one, as YAML; of two with one name the later stays. Takes a dict of key,
the field that names a thing, and lists.
*/}}
{{- define "users-api.named" -}}
{{- $key := .key -}}
{{- $all := list -}}
{{- range $list := .lists -}}
{{- range $item := $list -}}
{{- $others := list -}}
{{- range $other := $all -}}
{{- if ne (get $other $key | toString) (get $item $key | toString) -}}
{{- $others = append $others $other -}}
{{- end -}}
{{- end -}}
{{- $all = append $others $item -}}
{{- end -}}
{{- end -}}
{{- if $all }}{{ toYaml $all }}{{ end -}}
{{- end -}}

{{/* A container's resources, each quantity a string. Takes a map of requests and limits. */}}
{{- define "users-api.resources" -}}
{{- $resources := dict -}}
{{- range $kind := list "requests" "limits" -}}
{{- with include "users-api.strings" (list (get $ $kind | default dict)) -}}
{{- $_ := set $resources $kind (fromYaml .) -}}
{{- end -}}
{{- end -}}
{{- toYaml $resources -}}
{{- end -}}
