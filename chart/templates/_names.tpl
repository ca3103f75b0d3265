{{/* Chart name. Truncated at 63 characters: the longest label value there is. */}}
{{- define "users-api.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Base of all object names. Truncated at 45 characters, which leaves room for the longest suffix and a StatefulSet's hash. */}}
{{- define "users-api.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 45 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Name of the Redis objects. */}}
{{- define "users-api.redis.fullname" -}}
{{- printf "%s-redis" (include "users-api.fullname" .) -}}
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

{{/* Secret with the Redis user and password: keys username and password. */}}
{{- define "users-api.redis.secretName" -}}
{{- if .Values.redis.enabled -}}
{{- default (include "users-api.redis.fullname" .) .Values.redis.auth.existingSecret -}}
{{- else -}}
{{- .Values.redis.external.existingSecret -}}
{{- end -}}
{{- end -}}

{{/* Secret with the certificate that Ingress and Gateway serve. */}}
{{- define "users-api.tlsSecretName" -}}
{{- default (printf "%s-tls" (include "users-api.fullname" .)) .Values.routing.tls.secretName -}}
{{- end -}}

{{/* Image reference; a digest wins over the tag. Takes a dict of image and default tag. */}}
{{- define "users-api.image" -}}
{{- if .image.digest -}}
{{- printf "%s@%s" .image.repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" .image.repository (default .tag .image.tag) -}}
{{- end -}}
{{- end -}}
