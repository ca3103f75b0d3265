{{/* Pod security context that Pod Security "restricted" admits. Takes a numeric user. */}}
{{- define "users-api.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ . | int64 }}
runAsGroup: {{ . | int64 }}
fsGroup: {{ . | int64 }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* Container security context that Pod Security "restricted" admits. */}}
{{- define "users-api.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}
