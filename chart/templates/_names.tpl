{{/* A text cut to a length, and to a last character that a name may end with. Takes a list of the two. */}}
{{- define "users-api.cut" -}}
{{- trunc (first .) (last .) | trimAll "-." -}}
{{- end -}}

{{/* Chart name. Truncated at 63 characters: the longest label value there is. */}}
{{- define "users-api.name" -}}
{{- include "users-api.cut" (list 63 (default .Chart.Name .Values.nameOverride | lower | replace "_" "-")) -}}
{{- end -}}

{{/*
Base of all object names. In an umbrella the release's name alone would be that of several charts: there only the chart that
is called like the release has it, and each alias of this one a name of its own. A Service's name has no dot and begins with a
letter: where the release's has one or doesn't, the dot becomes a hyphen, and the chart's name comes first.
*/}}
{{- define "users-api.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride | lower | replace "_" "-" -}}
{{- $release := .Release.Name | lower | replace "." "-" -}}
{{- $isNamed := regexMatch "^[a-z]" $release -}}
{{- $short := and $isNamed (.Chart.IsRoot | ternary (contains $name $release) (eq $name $release)) -}}
{{- $full := $isNamed | ternary (printf "%s-%s" $release $name) (printf "%s-%s" $name $release) -}}
{{- include "users-api.shortened" (.Values.fullnameOverride | default ($short | ternary $release $full)) -}}
{{- end -}}

{{/* A name of 45 characters at most, which leaves room for most suffixes and a StatefulSet's hash. */}}
{{- define "users-api.shortened" -}}
{{- include "users-api.shortenedTo" (list 45 .) -}}
{{- end -}}

{{/* A name of some length at most. A longer one ends in a hash of it, or two that begin alike would become one. Takes a list of length and name. */}}
{{- define "users-api.shortenedTo" -}}
{{- if gt (len (last .)) (first .) -}}
{{- printf "%s-%s" (include "users-api.cut" (list (sub (first .) 9 | int) (last .))) (sha256sum (last .) | trunc 8) -}}
{{- else -}}
{{- last . -}}
{{- end -}}
{{- end -}}

{{/* What titles and addresses of dashboards begin with. Of an address Grafana takes 40 characters. */}}
{{- define "users-api.dashboardsName" -}}
{{- include "users-api.shortenedTo" (list 22 (include "users-api.name" .)) -}}
{{- end -}}

{{/* Name of the Redis objects. */}}
{{- define "users-api.redis.fullname" -}}
{{- printf "%s-redis" (include "users-api.fullname" .) -}}
{{- end -}}

{{/*
Volume claim of Redis; empty without persistence. A claim's class can never be changed and its size seldom, so both are part
of its name: another size is another claim, whose data are rebuilt like after a loss.
*/}}
{{- define "users-api.redis.claimName" -}}
{{- $persistence := .Values.redis.persistence -}}
{{- if and .Values.redis.enabled $persistence.enabled -}}
{{- $kind := printf "%v %v" $persistence.size $persistence.storageClassName | sha256sum | trunc 8 -}}
{{- default (printf "%s-%s" (include "users-api.redis.fullname" .) $kind) $persistence.existingClaim -}}
{{- end -}}
{{- end -}}

{{/* ServiceAccount that the API pods run under. */}}
{{- define "users-api.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "users-api.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Secret with the static tokens. */}}
{{- define "users-api.tokensSecretName" -}}
{{- default (printf "%s-tokens" (include "users-api.fullname" .)) .Values.auth.existingSecret -}}
{{- end -}}

{{/* Whether the Job of credentials/ makes the password of Redis: empty where the values name one or its Secret. */}}
{{- define "users-api.redis.generatesPassword" -}}
{{- $auth := .Values.redis.auth -}}
{{- if and .Values.redis.enabled (not $auth.existingSecret) (not $auth.password) -}}
true
{{- end -}}
{{- end -}}

{{/* Whether the values hold the password of Redis. */}}
{{- define "users-api.redis.givenPassword" -}}
{{- $auth := .Values.redis.auth -}}
{{- if and .Values.redis.enabled (not $auth.existingSecret) $auth.password -}}
true
{{- end -}}
{{- end -}}

{{/* Checksum of a password that the values hold, to roll both sides when it changes; empty without one. */}}
{{- define "users-api.redis.passwordChecksum" -}}
{{- if include "users-api.redis.givenPassword" . -}}
{{- printf "%s %s" (include "users-api.fullname" .) .Values.redis.auth.password | sha256sum -}}
{{- end -}}
{{- end -}}

{{/* Secret with the password of Redis under `password`, and under `username` the user of a Secret that is not the release's. */}}
{{- define "users-api.redis.secretName" -}}
{{- if include "users-api.redis.generatesPassword" . -}}
{{- printf "%s-generated" (include "users-api.redis.fullname" .) -}}
{{- else if .Values.redis.enabled -}}
{{- default (include "users-api.redis.fullname" .) .Values.redis.auth.existingSecret -}}
{{- else -}}
{{- .Values.redis.external.existingSecret -}}
{{- end -}}
{{- end -}}

{{/* Secret with the certificate that Ingress and Gateway serve. */}}
{{- define "users-api.tlsSecretName" -}}
{{- $suffix := eq .Values.routing.tls.mode "generated" | ternary "tls-generated" "tls" -}}
{{- default (printf "%s-%s" (include "users-api.fullname" .) $suffix) .Values.routing.tls.secretName -}}
{{- end -}}

{{/* Image reference; a digest wins over the tag. Takes a dict of image and default tag. */}}
{{- define "users-api.image" -}}
{{- if .image.digest -}}
{{- printf "%s@%s" .image.repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" .image.repository (default .tag .image.tag) -}}
{{- end -}}
{{- end -}}
