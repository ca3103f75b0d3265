{{/* What each mode of PostgreSQL has in common; see docs/decisions/0029. A mode is a branch of the first five. */}}

{{/* Where writes go, past any PgBouncer: hosts with ports, with commas between them. */}}
{{- define "users-api.postgresql.hosts" -}}
{{- $postgresql := .Values.postgresql -}}
{{- if eq $postgresql.mode "external" -}}
{{- include "users-api.postgresql.withPorts" (dict "hosts" $postgresql.external.hosts "port" $postgresql.external.port) -}}
{{- else if eq $postgresql.mode "bundled" -}}
{{- include "users-api.postgresql.fullname" . }}:5432
{{- else if eq $postgresql.mode "cloudnativepg" -}}
{{- include "users-api.postgresql.fullname" . }}-rw:5432
{{- end -}}
{{- end -}}

{{/* Where replicas are, each an address of its own; empty without any. */}}
{{- define "users-api.postgresql.replicaHosts" -}}
{{- $postgresql := .Values.postgresql -}}
{{- if eq $postgresql.mode "external" -}}
{{- include "users-api.postgresql.withPorts" (dict "hosts" $postgresql.external.replicas "port" $postgresql.external.port) -}}
{{- else if eq $postgresql.mode "bundled" -}}
{{- include "users-api.bundled.replicaHosts" . -}}
{{- else if and (eq $postgresql.mode "cloudnativepg") (gt (int $postgresql.cloudnativepg.instances) 1) -}}
{{- include "users-api.postgresql.fullname" . }}-ro:5432
{{- end -}}
{{- end -}}

{{/* What is checked of a server. */}}
{{- define "users-api.postgresql.sslMode" -}}
{{- eq .Values.postgresql.mode "external" | ternary .Values.postgresql.external.sslMode "verify-full" -}}
{{- end -}}

{{/* The volume source that has the servers' CA as ca.crt, as YAML; empty where it is a file of the image, or there is none. */}}
{{- define "users-api.postgresql.ca" -}}
{{- $mode := .Values.postgresql.mode -}}
{{- $ca := .Values.postgresql.external.ca -}}
{{- if and (eq $mode "external") (or $ca.secretName $ca.configMapName) -}}
{{- $items := list (dict "key" $ca.key "path" "ca.crt") -}}
{{- if $ca.secretName -}}
{{- dict "secret" (dict "secretName" $ca.secretName "items" $items) | toYaml -}}
{{- else -}}
{{- dict "configMap" (dict "name" $ca.configMapName "items" $items) | toYaml -}}
{{- end -}}
{{- else if has $mode (list "bundled" "cloudnativepg") -}}
{{- $name := printf "%s-%s" (include "users-api.postgresql.fullname" .) (eq $mode "bundled" | ternary "tls" "ca") -}}
{{- dict "secret" (dict "secretName" $name "items" (list (dict "key" "ca.crt" "path" "ca.crt"))) | toYaml -}}
{{- end -}}
{{- end -}}

{{/* Way out to the servers themselves, as rules of a NetworkPolicy. */}}
{{- define "users-api.postgresql.egress" -}}
{{- $mode := .Values.postgresql.mode -}}
{{- if eq $mode "external" -}}
{{- $ports := list -}}
{{- range splitList "," (printf "%s,%s" (include "users-api.postgresql.hosts" .) (include "users-api.postgresql.replicaHosts" .)) -}}
{{- with regexFind "[0-9]+$" . -}}
{{- $ports = append $ports . -}}
{{- end -}}
{{- end -}}
# A name has no selector: the servers are allowed by their ports.
- ports:
    {{- range uniq $ports | default (list .Values.postgresql.external.port) }}
    - { port: {{ . | int }}, protocol: TCP }
    {{- end }}
{{- else if eq $mode "cloudnativepg" -}}
- ports:
    - { port: 5432, protocol: TCP }
  to:
    - podSelector:
        matchLabels:
          cnpg.io/cluster: {{ include "users-api.postgresql.fullname" . | quote }}
          cnpg.io/podRole: instance
{{- else if eq $mode "bundled" -}}
- ports:
    - { port: 5432, protocol: TCP }
  to:
    {{- range list "postgresql-primary" "postgresql-replica" }}
    - podSelector:
        matchLabels:
          {{- include "users-api.selectorLabels" (dict "root" $ "component" .) | nindent 10 }}
    {{- end }}
{{- end -}}
{{- end -}}

{{/* Hosts, each with a port, with commas between them. Takes a dict of hosts and port. */}}
{{- define "users-api.postgresql.withPorts" -}}
{{- $all := list -}}
{{- range $host := .hosts -}}
{{- $all = append $all (regexMatch ":[0-9]+$" $host | ternary $host (printf "%s:%v" $host $.port)) -}}
{{- end -}}
{{- join "," $all -}}
{{- end -}}

{{/* Base of the names of PostgreSQL's objects: the longest is a StatefulSet's, `<this>-replica`, which needs room for a hash. */}}
{{- define "users-api.postgresql.fullname" -}}
{{- printf "%s-postgresql" (include "users-api.shortenedTo" (list 33 (include "users-api.fullname" .))) -}}
{{- end -}}

{{/* URL of some hosts, without a name or password. Takes a dict of root and hosts. */}}
{{- define "users-api.postgresql.url" -}}
{{- $mode := include "users-api.postgresql.sslMode" .root -}}
{{- printf "postgresql://%s/%s?sslmode=%s" .hosts .root.Values.postgresql.database $mode -}}
{{- if include "users-api.postgresql.ca" .root -}}
&sslrootcert=/etc/postgresql-ca/ca.crt
{{- else if and (eq .root.Values.postgresql.mode "external") .root.Values.postgresql.external.ca.file -}}
&sslrootcert={{ .root.Values.postgresql.external.ca.file }}
{{- end -}}
{{- end -}}

{{/* URL for the service's writes: of PgBouncer where there is one. Empty where a Secret has it. */}}
{{- define "users-api.postgresql.serviceUrl" -}}
{{- $postgresql := .Values.postgresql -}}
{{- if and (ne $postgresql.mode "none") (not $postgresql.roles.app.urlKey) -}}
{{- if include "users-api.pooler.isOwn" . -}}
{{- printf "postgresql://%s:5432/%s?sslmode=%s" (include "users-api.pooler.fullname" .) $postgresql.database (empty $postgresql.pooler.tlsSecret | ternary "disable" "verify-full&sslrootcert=/etc/postgresql-pooler-ca/ca.crt") -}}
{{- else if $postgresql.pooler.enabled -}}
{{- include "users-api.postgresql.url" (dict "root" . "hosts" (printf "%s:5432" (include "users-api.pooler.fullname" .))) -}}
{{- else -}}
{{- include "users-api.postgresql.url" (dict "root" . "hosts" (include "users-api.postgresql.hosts" .)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* URLs for the service's reads, as a JSON list; empty without replicas. */}}
{{- define "users-api.postgresql.replicaUrls" -}}
{{- $urls := list -}}
{{- range splitList "," (include "users-api.postgresql.replicaHosts" .) -}}
{{- with . -}}
{{- $urls = append $urls (include "users-api.postgresql.url" (dict "root" $ "hosts" .)) -}}
{{- end -}}
{{- end -}}
{{- if $urls -}}{{- toRawJson $urls -}}{{- end -}}
{{- end -}}

{{/*
Volumes of a client, with the CA of the servers and, where `ofPooler`, of PgBouncer. Where `isOptional` the pod starts without
it too. Takes a dict of root and of either.
*/}}
{{- define "users-api.postgresql.volumes" -}}
{{- with include "users-api.postgresql.ca" .root | fromYaml }}
{{- if $.isOptional -}}{{- $_ := set .secret "optional" true -}}{{- end }}
- name: postgresql-ca
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if and .ofPooler (include "users-api.pooler.isOwn" .root) .root.Values.postgresql.pooler.tlsSecret }}
- name: postgresql-pooler-ca
  secret:
    secretName: {{ .root.Values.postgresql.pooler.tlsSecret | quote }}
    items: [{ key: ca.crt, path: ca.crt }]
{{- end }}
{{- end -}}

{{/* Where these are mounted. Takes the same. */}}
{{- define "users-api.postgresql.mounts" -}}
{{- range include "users-api.postgresql.volumes" . | fromYamlArray }}
- { name: {{ .name | quote }}, mountPath: {{ printf "/etc/%s" .name | quote }}, readOnly: true }
{{- end }}
{{- end -}}

{{/* Way out of the service's own pods: to PgBouncer and the replicas, or to the servers. */}}
{{- define "users-api.postgresql.clientEgress" -}}
{{- if .Values.postgresql.pooler.enabled }}
- ports:
    - { port: {{ include "users-api.pooler.isOwn" . | empty | ternary "5432" "6432" | int }}, protocol: TCP }
  to:
    - podSelector:
        matchLabels:
          {{- include "users-api.pooler.selector" . | nindent 10 }}
{{- end }}
{{- if or (not .Values.postgresql.pooler.enabled) (include "users-api.postgresql.replicaHosts" .) }}
{{ include "users-api.postgresql.egress" . }}
{{- end }}
{{- end -}}
