{{/* Name of the ObjectStore that backups go to. */}}
{{- define "users-api.cloudnativepg.objectStore" -}}
{{- .Values.postgresql.cloudnativepg.backup.objectStore | default (include "users-api.postgresql.fullname" .) -}}
{{- end -}}

{{/* Spec of a Pooler. Takes a dict of root and type. */}}
{{- define "users-api.cloudnativepg.pooler" -}}
{{- $pooler := .root.Values.postgresql.pooler -}}
cluster:
  name: {{ include "users-api.postgresql.fullname" .root | quote }}
type: {{ .type | quote }}
instances: {{ $pooler.replicas | int }}
pgbouncer:
  poolMode: transaction
  parameters:
    {{- include "users-api.pooler.parameters" .root | nindent 4 }}
deploymentStrategy:
  type: RollingUpdate
  rollingUpdate:
    maxSurge: 1
    maxUnavailable: 0
template:
  spec:
    terminationGracePeriodSeconds: {{ $pooler.terminationGracePeriodSeconds | int }}
    containers:
      - name: pgbouncer
        image: {{ include "users-api.image" (dict "image" $pooler.image) | quote }}
        resources:
          {{- include "users-api.resources" $pooler.resources | nindent 10 }}
    {{- with $pooler.affinity }}
    affinity:
      {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end -}}
