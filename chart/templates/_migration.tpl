{{/* Name of the hook, and of what goes with it. */}}
{{- define "users-api.migration.fullname" -}}
{{- include "users-api.postgresql.fullname" . }}-migrate
{{- end -}}

{{/* Whether there is a Job that migrates. */}}
{{- define "users-api.migration.isOn" -}}
{{- if and (ne .Values.postgresql.mode "none") .Values.postgresql.migrations.enabled -}}
true
{{- end -}}
{{- end -}}

{{/*
When the hook runs; empty without one. A server of the release's own is not there before the first installation, nor before the
upgrade that brings it: there the hook ends at once, and the ordinary Job migrates.
*/}}
{{- define "users-api.migration.events" -}}
{{- if and (include "users-api.migration.isOn" .) .Values.postgresql.migrations.hooks -}}
{{- eq .Values.postgresql.mode "external" | ternary "pre-install,pre-upgrade" "pre-upgrade" -}}
{{- end -}}
{{- end -}}

{{/* Whether an ordinary Job migrates: with the release, and not before it. */}}
{{- define "users-api.migration.isOrdinary" -}}
{{- if and (include "users-api.migration.isOn" .) (or (ne .Values.postgresql.mode "external") (not .Values.postgresql.migrations.hooks)) -}}
true
{{- end -}}
{{- end -}}

{{/* Annotations of what the hook needs, where nothing of the release is there yet; empty where it is ordinary. Takes the root. */}}
{{- define "users-api.migration.aheadOfHook" -}}
{{- if and (include "users-api.migration.isOn" .) (not (include "users-api.migration.isOrdinary" .)) -}}
helm.sh/hook: {{ include "users-api.migration.events" . | quote }}
helm.sh/hook-weight: "-1"
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}
{{- end -}}

{{/* Spec of either Job. Takes a dict of root and, of one that may find no server yet, isAhead. */}}
{{- define "users-api.migration.job" -}}
{{- $postgresql := .root.Values.postgresql -}}
# It waits for the server by itself, and another attempt finds done what the one before did.
backoffLimit: 10
activeDeadlineSeconds: {{ $postgresql.migrations.timeoutSeconds | int }}
template:
  metadata:
    labels:
      {{- include "users-api.podLabels" (dict "root" .root "component" "migration") | nindent 6 }}
    {{- with include "users-api.postgresql.passwordChecksum" (dict "root" .root "role" "owner") }}
    annotations:
      checksum/postgresql-password: {{ . | quote }}
    {{- end }}
  spec:
    restartPolicy: Never
    automountServiceAccountToken: false
    enableServiceLinks: false
    {{- with .root.Values.imagePullSecrets }}
    imagePullSecrets:
      {{- toYaml (uniq .) | nindent 6 }}
    {{- end }}
    {{- with .root.Values.priorityClassName }}
    priorityClassName: {{ . | quote }}
    {{- end }}
    {{- with include "users-api.strings" (list .root.Values.nodeSelector) }}
    nodeSelector:
      {{- . | nindent 6 }}
    {{- end }}
    {{- with .root.Values.tolerations }}
    tolerations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    securityContext:
      {{- include "users-api.podSecurityContext" .root.Values.runAsUser | nindent 6 }}
    {{- $migrate := list "python" "-m" "service.migrate" }}
    {{- $users := int $postgresql.migrations.seedUsers }}
    {{- if .isAhead }}
    {{- $migrate = append $migrate "--skip-if-absent" }}
    {{- $users = 0 }}
    {{- end }}
    {{- if $users }}
    initContainers:
    {{- else }}
    containers:
    {{- end }}
      {{- include "users-api.migration.container" (dict "root" .root "name" "migrate" "command" $migrate) | nindent 6 }}
    {{- if $users }}
    containers:
      {{- $seed := list "python" "-m" "service.seed" "--users" (toString $users) }}
      {{- include "users-api.migration.container" (dict "root" .root "name" "seed" "command" $seed) | nindent 6 }}
    {{- end }}
    {{- with include "users-api.postgresql.volumes" (dict "root" .root "isOptional" .isAhead) | fromYamlArray }}
    volumes:
      {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end -}}

{{/* A container of either Job, as the owner of the tables. Takes a dict of root, name and command. */}}
{{- define "users-api.migration.container" -}}
{{- $postgresql := .root.Values.postgresql -}}
- name: {{ .name | quote }}
  image: {{ include "users-api.image" (dict "image" .root.Values.image "tag" .root.Chart.AppVersion) | quote }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy | quote }}
  command: {{ .command | toJson }}
  env:
    {{- if not $postgresql.roles.owner.urlKey }}
    - name: {{ .root.Values.app.settings.prefix }}DATABASE_URL
      value: {{ include "users-api.postgresql.url" (dict "root" .root "hosts" (include "users-api.postgresql.hosts" .root)) | quote }}
    {{- end }}
    {{- include "users-api.postgresql.login" (dict "root" .root "role" "owner") | nindent 4 }}
    - name: {{ .root.Values.app.settings.prefix }}LOG_LEVEL
      value: {{ .root.Values.config.logLevel | quote }}
  securityContext:
    {{- include "users-api.containerSecurityContext" . | nindent 4 }}
  resources:
    {{- include "users-api.resources" $postgresql.migrations.resources | nindent 4 }}
  {{- with include "users-api.postgresql.mounts" (dict "root" .root) | fromYamlArray }}
  volumeMounts:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
