{{/* Who logs in to PostgreSQL, and where their passwords are. Each takes a dict of root and role: owner, app, monitor, replication. */}}

{{/* Whether the Job of credentials/ makes the password: of a server of the release's, where the values name none. */}}
{{- define "users-api.postgresql.generatesPassword" -}}
{{- $role := get .root.Values.postgresql.roles .role -}}
{{- $made := get (dict "bundled" (list "owner" "app" "monitor" "replication") "cloudnativepg" (list "owner" "app")) .root.Values.postgresql.mode | default list -}}
{{- if and (has .role $made) (not $role.existingSecret) (not $role.password) -}}
true
{{- end -}}
{{- end -}}

{{/* Secret with `username` and `password`; empty where there is none. */}}
{{- define "users-api.postgresql.secretName" -}}
{{- $role := get .root.Values.postgresql.roles .role -}}
{{- $own := printf "%s-role-%s" (include "users-api.postgresql.fullname" .root) .role -}}
{{- if include "users-api.postgresql.generatesPassword" . -}}
{{- printf "%s-generated" $own -}}
{{- else if $role.existingSecret -}}
{{- $role.existingSecret -}}
{{- else if $role.password -}}
{{- $own -}}
{{- end -}}
{{- end -}}

{{/* Checksum of a password that the values hold, to roll pods when it changes; empty without one. */}}
{{- define "users-api.postgresql.passwordChecksum" -}}
{{- $role := get .root.Values.postgresql.roles .role -}}
{{- if and (ne .root.Values.postgresql.mode "none") $role.password -}}
{{- printf "%s %s %s" (include "users-api.fullname" .root) .role $role.password | sha256sum -}}
{{- end -}}
{{- end -}}

{{/* Value of a variable with the user. One that the values name stands in the pods, so that another rolls them. */}}
{{- define "users-api.postgresql.username" -}}
{{- $role := get .root.Values.postgresql.roles .role -}}
{{- if $role.existingSecret -}}
valueFrom:
  secretKeyRef:
    name: {{ $role.existingSecret | quote }}
    key: username
{{- else -}}
value: {{ $role.username | quote }}
{{- end -}}
{{- end -}}

{{/* Value of a variable with the password. */}}
{{- define "users-api.postgresql.password" -}}
valueFrom:
  secretKeyRef:
    name: {{ include "users-api.postgresql.secretName" . | quote }}
    key: password
{{- end -}}

{{/* Variables by which a program of the service's image logs in. */}}
{{- define "users-api.postgresql.login" -}}
{{- $role := get .root.Values.postgresql.roles .role -}}
{{- $prefix := .root.Values.app.settings.prefix -}}
{{- if $role.urlKey -}}
- name: {{ $prefix }}DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ $role.existingSecret | quote }}
      key: {{ $role.urlKey | quote }}
{{- else -}}
- name: {{ $prefix }}DATABASE_USERNAME
  {{- include "users-api.postgresql.username" . | nindent 2 }}
- name: {{ $prefix }}DATABASE_PASSWORD
  {{- include "users-api.postgresql.password" . | nindent 2 }}
{{- end -}}
{{- end -}}

{{/*
Rights of the roles and limits of the service's, as a YAML list of statements for a superuser in the database; owner and app
must be there. docs/postgresql.md says why. Takes the root.
*/}}
{{- define "users-api.postgresql.rolesSql" -}}
{{- $roles := .Values.postgresql.roles -}}
{{- range regexFindAll "(?m)^ALTER [^;]+" (.Files.Get "files/postgresql/rights.sql") -1 }}
- {{ replace ":\"owner\"" $roles.owner.username . | replace ":\"app\"" $roles.app.username | quote }}
{{- end }}
{{- end -}}
