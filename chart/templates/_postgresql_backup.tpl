{{/* Whether the chart makes backups: of a server that it runs itself. */}}
{{- define "users-api.backup.isOn" -}}
{{- if and (include "users-api.bundled.isOn" .) .Values.postgresql.backup.enabled -}}
true
{{- end -}}
{{- end -}}

{{/* Name of the backups' objects. */}}
{{- define "users-api.backup.fullname" -}}
{{- include "users-api.postgresql.fullname" . }}-backup
{{- end -}}

{{/* Volume claim of the backups. */}}
{{- define "users-api.backup.claimName" -}}
{{- default (printf "%ss" (include "users-api.backup.fullname" .)) .Values.postgresql.backup.persistence.existingClaim -}}
{{- end -}}

{{/* Spec of a Job that makes or restores a backup, as the owner of the tables. Takes a dict of root and script. */}}
{{- define "users-api.backup.job" -}}
{{- $backup := .root.Values.postgresql.backup -}}
{{- $bundled := .root.Values.postgresql.bundled -}}
backoffLimit: 2
activeDeadlineSeconds: {{ $backup.timeoutSeconds | int }}
template:
  metadata:
    labels:
      {{- include "users-api.podLabels" (dict "root" .root "component" "postgresql-backup") | nindent 6 }}
  spec:
    {{- include "users-api.backup.pod" .root | nindent 4 }}
    containers:
      - name: {{ trimSuffix ".sh" .script | quote }}
        image: {{ include "users-api.image" (dict "image" $bundled.image) | quote }}
        imagePullPolicy: {{ $bundled.image.pullPolicy | quote }}
        command: [sh, {{ printf "/etc/postgresql/%s" .script | quote }}]
        env:
          - name: PGHOST
            value: {{ include "users-api.postgresql.fullname" .root | quote }}
          - name: PGDATABASE
            value: {{ .root.Values.postgresql.database | quote }}
          - name: PGUSER
            {{- include "users-api.postgresql.username" (dict "root" .root "role" "owner") | nindent 12 }}
          - name: PGPASSWORD
            {{- include "users-api.postgresql.password" (dict "root" .root "role" "owner") | nindent 12 }}
          {{- include "users-api.bundled.verification" .root | nindent 10 }}
          - name: BACKUPS
            value: /backups
          - name: SCRATCH
            value: /scratch
          - name: KEEP
            value: {{ $backup.keep | quote }}
        securityContext:
          {{- include "users-api.containerSecurityContext" . | nindent 10 }}
        resources:
          {{- include "users-api.resources" $backup.resources | nindent 10 }}
        volumeMounts:
          - { name: config, mountPath: /etc/postgresql, readOnly: true }
          {{- include "users-api.postgresql.mounts" (dict "root" .root) | nindent 10 }}
          - { name: backups, mountPath: /backups }
          - { name: scratch, mountPath: /scratch }
          - { name: tmp, mountPath: /tmp }
          - { name: shm, mountPath: /dev/shm }
    volumes:
      - name: config
        configMap:
          name: {{ include "users-api.postgresql.fullname" .root | quote }}
      {{- include "users-api.postgresql.volumes" (dict "root" .root) | nindent 6 }}
      - name: backups
        persistentVolumeClaim:
          claimName: {{ include "users-api.backup.claimName" .root | quote }}
      # The empty server that a backup is restored into.
      - name: scratch
        emptyDir:
          sizeLimit: {{ $backup.scratchSizeLimit | quote }}
      - name: tmp
        emptyDir:
          sizeLimit: 64Mi
      - name: shm
        emptyDir:
          medium: Memory
          sizeLimit: 256Mi
{{- end -}}

{{/* What the pods of all Jobs here have in common. */}}
{{- define "users-api.backup.pod" -}}
restartPolicy: Never
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml (uniq .) | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
securityContext:
  {{- include "users-api.podSecurityContext" .Values.postgresql.bundled.runAsUser | nindent 2 }}
{{- with include "users-api.strings" (list .Values.nodeSelector) }}
nodeSelector:
  {{- . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Spec of the Job that has the volume made. */}}
{{- define "users-api.backup.claim" -}}
{{- $bundled := .Values.postgresql.bundled -}}
backoffLimit: 2
template:
  metadata:
    labels:
      {{- include "users-api.podLabels" (dict "root" . "component" "postgresql-backup") | nindent 6 }}
  spec:
    {{- include "users-api.backup.pod" . | nindent 4 }}
    containers:
      - name: claim
        image: {{ include "users-api.image" (dict "image" $bundled.image) | quote }}
        imagePullPolicy: {{ $bundled.image.pullPolicy | quote }}
        command: [test, -w, /backups]
        securityContext:
          {{- include "users-api.containerSecurityContext" . | nindent 10 }}
        resources:
          {{- include "users-api.resources" .Values.postgresql.backup.resources | nindent 10 }}
        volumeMounts:
          - { name: backups, mountPath: /backups }
    volumes:
      - name: backups
        persistentVolumeClaim:
          claimName: {{ include "users-api.backup.claimName" . | quote }}
{{- end -}}
