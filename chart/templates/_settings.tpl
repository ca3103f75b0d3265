{{/* What files/settings.json says of the service's settings, by the names that the image takes; `make generate` writes it. */}}
{{- define "users-api.settings.table" -}}
{{- $prefix := .Values.app.settings.prefix -}}
{{- if $prefix -}}
{{- .Files.Get "files/settings.json" | replace "USERS_API_" $prefix -}}
{{- else -}}
{{- dict "settings" dict "values" list "elsewhere" dict "rules" list | toJson -}}
{{- end -}}
{{- end -}}

{{/*
The settings that the values make, as JSON by variable. A blank value, or one in a section that is blank, is its default.
*/}}
{{- define "users-api.settings" -}}
{{- $settings := dict -}}
{{- range (include "users-api.settings.table" . | fromJson).values -}}
{{- $found := $.Values -}}
{{- range splitList "." .value -}}
{{- if kindIs "map" $found -}}{{- $found = get $found . -}}{{- else -}}{{- $found = "" -}}{{- end -}}
{{- end -}}
{{- if has $found (list nil "") -}}{{- $found = .default -}}{{- end -}}
{{- if not (has $found (list nil "")) -}}{{- $_ := set $settings .name $found -}}{{- end -}}
{{- end -}}
{{- range $name, $value := (.Values.config | default dict).extra -}}
{{- if not (has $value (list nil "")) -}}{{- $_ := set $settings $name $value -}}{{- end -}}
{{- end -}}
{{- toJson $settings -}}
{{- end -}}

{{/* A setting as a variable has it. */}}
{{- define "users-api.settings.text" -}}
{{- if kindIs "string" . -}}{{- . -}}{{- else -}}{{- toJson . -}}{{- end -}}
{{- end -}}

{{/* What is wrong with the settings, a line each: the service would refuse them at its start. */}}
{{- define "users-api.validate.settings" -}}
{{- $prefix := .Values.app.settings.prefix -}}
{{- if $prefix }}
{{- $table := include "users-api.settings.table" . | fromJson -}}
{{- $settings := include "users-api.settings" . | fromJson -}}
{{- range $table.values }}
{{ include "users-api.settings.named" (dict "settings" $table.settings "prefix" $prefix "at" .value "name" .name "value" (get $settings .name) "schema" .schema) }}
{{- end }}
{{- range $name, $value := (.Values.config | default dict).extra }}
{{ include "users-api.settings.named" (dict "settings" $table.settings "prefix" $prefix "at" (printf "config.extra.%s" $name) "name" $name "value" $value) }}
{{- if hasKey $table.elsewhere $name }}
config.extra.{{ $name }} is not set here: {{ get $table.elsewhere $name }}
{{- else if not (hasPrefix $prefix $name) }}
config.extra.{{ $name }} is not a setting of the service, whose names begin with {{ $prefix }}: use extraEnv for other variables
{{- end }}
{{- end }}
{{- if (.Values.auth | default dict).existingSecret }}
{{- $_ := set $settings (printf "%sSTATIC_TOKENS" $prefix) "of a Secret" }}
{{- end }}
{{- with .Values.postgresql | default dict }}
{{- if not (has .mode (list nil "" "none")) }}
{{- $_ := set $settings (printf "%sDATABASE_URL" $prefix) "of postgresql.mode" }}
{{- end }}
{{- end }}
{{- /* These win over the ConfigMap's, so the rules are to hold for them. */}}
{{- range .Values.extraEnv }}
{{- if hasPrefix $prefix (toString .name) }}
{{ include "users-api.settings.named" (dict "settings" $table.settings "prefix" $prefix "at" (printf "extraEnv %s" .name) "name" .name "value" .value) }}
{{- $_ := set $settings .name (empty .valueFrom | ternary .value "of an object") }}
{{- end }}
{{- end }}
{{- range $rule := $table.rules }}
{{- $holds := true }}
{{- range .conditions }}
{{- $found := get $settings .name }}
{{- if eq .operator "above" }}
{{- $holds = and $holds (gt (float64 $found) (float64 .value)) }}
{{- else if eq .operator "set" }}
{{- $holds = and $holds (not (empty $found)) }}
{{- else if eq .operator "unset" }}
{{- $holds = and $holds (empty $found) (empty $.Values.extraEnvFrom) }}
{{- else if kindIs "bool" .value }}
{{- $holds = and $holds (has (toString $found | lower) (list "true" "1" "yes" "on")) }}
{{- else }}
{{- $holds = and $holds (eq (toString $found) (toString .value)) }}
{{- end }}
{{- end }}
{{- if $holds }}
{{ $rule.remedy }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/*
A setting named by its variable: is there one, and may it be this? Takes a dict of settings, prefix, at, name, value, and schema
where a value of the chart may be something else.
*/}}
{{- define "users-api.settings.named" -}}
{{- $setting := get .settings .name -}}
{{- if and $setting (not (has .value (list nil ""))) -}}
{{- include "users-api.settings.check" (dict "at" .at "value" .value "schema" (.schema | default $setting.schema) "secret" $setting.secret "listed" true) -}}
{{- else if and (not $setting) (hasPrefix .prefix .name) -}}
{{- $nearest := include "users-api.nearest" (list .name (keys .settings | sortAlpha) .prefix) -}}
{{ .at }} is not a setting of the service: {{ with $nearest }}did you mean {{ . }}?{{ else }}docs/settings.md lists them{{ end }}
{{- end -}}
{{- end -}}

{{/*
What is wrong with a value by its schema, a line each. A variable is text: what stands for a number, a boolean or a list is
read as the service reads it. Takes a dict of at, value, schema, secret where the value may be shown to nobody, and listed
where a text may stand for a list.
*/}}
{{- define "users-api.settings.check" -}}
{{- $at := .at -}}
{{- $value := .value -}}
{{- $schema := .schema -}}
{{- $text := include "users-api.settings.text" $value -}}
{{- $is_text := kindIs "string" $value -}}
{{- $parameters := regexFindAll "[{][A-Za-z0-9_]+" $text -1 -}}
{{- if eq $schema.type "string" }}
{{- if not $is_text }}
{{ $at }} is not text: {{ or (kindIs "slice" $value) (kindIs "map" $value) | ternary "write one text" "put it in quotes" }}
{{- else if and $schema.pattern (not (regexMatch $schema.pattern $value)) }}
{{ $at }}{{ if not .secret }} {{ $value }}{{ end }} must be {{ $schema.wanted }}
{{- else if and $schema.namedOnce (ne (len $parameters) (len (uniq $parameters))) }}
{{ $at }} {{ $value }} names a parameter twice: give each a name of its own
{{- else if and $schema.enum (not (has $value $schema.enum)) }}
{{ $at }} {{ $value }} must be one of {{ join ", " $schema.enum }}
{{- else if lt (len $value) (int $schema.minLength) }}
{{ $at }} is empty: leave it out, or fill it in
{{- else if and $schema.maxLength (gt (len $value) (int $schema.maxLength)) }}
{{ $at }} has {{ len $value }} characters: at most {{ $schema.maxLength }} are allowed
{{- end }}
{{- else if eq $schema.type "boolean" }}
{{- if not (regexMatch "^(?i:true|false|1|0|yes|no|on|off)$" $text) }}
{{ $at }} {{ $text }} must be true or false
{{- end }}
{{- else if eq $schema.type "array" }}
{{- if and $is_text .listed }}
{{- $value = hasPrefix "[" (trim $text) | ternary (fromJsonArray $text) (regexSplit "\\s*,\\s*" (trim $text) -1) }}
{{- end }}
{{- if not (kindIs "slice" $value) }}
{{ $at }} must be a list, such as [a, b]
{{- else }}
{{- range $number, $entry := $value }}
{{ include "users-api.settings.check" (dict "at" (printf "%s[%d]" $at $number) "value" $entry "schema" $schema.items "secret" $.secret) }}
{{- end }}
{{- end }}
{{- else if eq $schema.type "object" }}
{{ include "users-api.settings.checkObject" . }}
{{- else if not (regexMatch (eq $schema.type "integer" | ternary "^-?[0-9]{1,18}$" "^-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]{1,2})?$") $text) }}
{{ $at }} {{ $text }} must be a {{ eq $schema.type "integer" | ternary "whole number" "number" }}
{{- else if and (hasKey $schema "minimum") (lt (float64 $value) (float64 $schema.minimum)) }}
{{ $at }} {{ $text }} is below {{ $schema.minimum }}, the minimum
{{- else if and (hasKey $schema "exclusiveMinimum") (le (float64 $value) (float64 $schema.exclusiveMinimum)) }}
{{ $at }} {{ $text }} must be above {{ $schema.exclusiveMinimum }}
{{- else if and (hasKey $schema "maximum") (gt (float64 $value) (float64 $schema.maximum)) }}
{{ $at }} {{ $text }} is above {{ toJson $schema.maximum }}, the maximum
{{- end }}
{{- end -}}

{{/* The same of an object, whose names may be in camel case. */}}
{{- define "users-api.settings.checkObject" -}}
{{- $at := .at -}}
{{- $schema := .schema -}}
{{- if not (kindIs "map" .value) }}
{{ $at }} must be an object with {{ keys $schema.properties | sortAlpha | join ", " }}
{{- else }}
{{- $given := list }}
{{- range $key, $entry := .value }}
{{- $name := regexReplaceAll "([A-Z])" $key "_${1}" | lower }}
{{- if not (hasKey $schema.properties $name) }}
{{- $nearest := include "users-api.nearest" (list $name (keys $schema.properties | sortAlpha) "") }}
{{ $at }}.{{ $key }} is not a setting: {{ with $nearest }}did you mean {{ . }}?{{ else }}there are {{ keys $schema.properties | sortAlpha | join ", " }}{{ end }}
{{- else if not (kindIs "invalid" $entry) }}
{{- $given = append $given $name }}
{{ include "users-api.settings.check" (dict "at" (printf "%s.%s" $at $key) "value" $entry "schema" (get $schema.properties $name) "secret" $.secret) }}
{{- end }}
{{- end }}
{{- range $schema.required }}
{{- if not (has . $given) }}
{{ $at }} has no {{ . }}: set it
{{- end }}
{{- end }}
{{- $any := empty $schema.anyOf }}
{{- range $schema.anyOf }}
{{- $any = or $any (has (first .required) $given) }}
{{- end }}
{{- if not $any }}
{{ $at }} {{ $schema.wanted }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The name most like another, by the pairs of letters that they share; empty where none is. Takes a list of name, names, and what all of them
begin with. */}}
{{- define "users-api.nearest" -}}
{{- $prefix := last . -}}
{{- $wanted := first . | trimPrefix $prefix | lower -}}
{{- $best := "" -}}
{{- $most := 0.4 -}}
{{- range $name := index . 1 -}}
{{- $plain := $name | trimPrefix $prefix | lower -}}
{{- $shared := 0 -}}
{{- range $start := until (sub (len $wanted) 1 | max 0 | int) -}}
{{- if contains (substr $start (add $start 2 | int) $wanted) $plain -}}{{- $shared = add $shared 1 -}}{{- end -}}
{{- end -}}
{{- $share := divf (mul 2 $shared) (add (len $wanted) (len $plain) | max 1) -}}
{{- if gt $share $most -}}{{- $best = $name -}}{{- $most = $share -}}{{- end -}}
{{- end -}}
{{- $best -}}
{{- end -}}
