{{/* Whether the chart runs PostgreSQL itself. */}}
{{- define "users-api.bundled.isOn" -}}
{{- if eq .Values.postgresql.mode "bundled" -}}
true
{{- end -}}
{{- end -}}

{{/* Whether its servers have a metrics exporter. */}}
{{- define "users-api.bundled.isExported" -}}
{{- if and (include "users-api.bundled.isOn" .) .Values.postgresql.bundled.exporter.enabled -}}
true
{{- end -}}
{{- end -}}

{{/* Name of the replicas' objects, and the DNS name that all of them have. */}}
{{- define "users-api.bundled.replicaName" -}}
{{- include "users-api.postgresql.fullname" . }}-replica
{{- end -}}
{{- define "users-api.bundled.replicaDomain" -}}
{{- printf "%s.%s.svc" (include "users-api.bundled.replicaName" .) .Release.Namespace -}}
{{- end -}}

{{/* Each replica, with its port: a name of its own, as what one has replayed says nothing of another. */}}
{{- define "users-api.bundled.replicaHosts" -}}
{{- $hosts := list -}}
{{- range until (int .Values.postgresql.replicas) -}}
{{- $hosts = append $hosts (printf "%s-%d.%s:5432" (include "users-api.bundled.replicaName" $) . (include "users-api.bundled.replicaDomain" $)) -}}
{{- end -}}
{{- join "," $hosts -}}
{{- end -}}

{{/* Volume claim of the primary. Its name says nothing of its size, which may grow: the data stay. */}}
{{- define "users-api.bundled.claimName" -}}
{{- default (printf "%s-data" (include "users-api.postgresql.fullname" .)) .Values.postgresql.bundled.persistence.existingClaim -}}
{{- end -}}

{{/* The servers' certificate, as the plan of credentials/ has it; empty in the other modes. Each release has its own CA. */}}
{{- define "users-api.bundled.certificate" -}}
{{- if include "users-api.bundled.isOn" . -}}
{{- $primary := include "users-api.postgresql.fullname" . -}}
{{- $replicas := include "users-api.bundled.replicaDomain" . -}}
{{- $hosts := list $primary (printf "%s.%s.svc" $primary .Release.Namespace) $replicas (printf "*.%s" $replicas) -}}
{{- /* Ten years: its clients read it when they start, and would have to be restarted for another. */}}
{{- dict "secret" (printf "%s-tls" $primary) "hosts" $hosts "valid_days" 3650 "renew_days" 365 "has_ca" true | toJson -}}
{{- end -}}
{{- end -}}

{{/* Variables with the names of all roles, which a server lets in, and with the passwords of some. Takes a dict of root and passwords. */}}
{{- define "users-api.bundled.roles" -}}
{{- range $role := list "owner" "app" "monitor" "replication" }}
- name: {{ printf "%s_USERNAME" (upper $role) | quote }}
  {{- include "users-api.postgresql.username" (dict "root" $.root "role" $role) | nindent 2 }}
{{- if has $role $.passwords }}
- name: {{ printf "%s_PASSWORD" (upper $role) | quote }}
  {{- include "users-api.postgresql.password" (dict "root" $.root "role" $role) | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Variables by which PostgreSQL's own programs check a server before they log in. */}}
{{- define "users-api.bundled.verification" -}}
- name: PGSSLMODE
  value: {{ include "users-api.postgresql.sslMode" . | quote }}
- name: PGSSLROOTCERT
  value: /etc/postgresql-ca/ca.crt
{{- end -}}

{{/* Where a pod of PostgreSQL's may run: rather not beside another one, and not for long on a lost node. */}}
{{- define "users-api.bundled.placement" -}}
{{- with include "users-api.strings" (list .Values.nodeSelector) }}
nodeSelector:
  {{- . | nindent 2 }}
{{- end }}
affinity:
  {{- with .Values.postgresql.bundled.affinity }}
  {{- toYaml . | nindent 2 }}
  {{- else }}
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            {{- include "users-api.bundled.selector" $ | nindent 12 }}
  {{- end }}
tolerations:
  {{- with .Values.tolerations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- range list "not-ready" "unreachable" }}
  - key: {{ printf "node.kubernetes.io/%s" . | quote }}
    operator: Exists
    effect: NoExecute
    tolerationSeconds: {{ $.Values.lostNodeTolerationSeconds }}
  {{- end }}
{{- end -}}

{{/* Selector of the servers, primary and replicas. */}}
{{- define "users-api.bundled.selector" -}}
{{- $labels := include "users-api.selectorLabels" (dict "root" . "component" "postgresql-primary") | fromYaml -}}
matchLabels:
  {{- omit $labels "app.kubernetes.io/component" | toYaml | nindent 2 }}
matchExpressions:
  - key: app.kubernetes.io/component
    operator: In
    values: [postgresql-primary, postgresql-replica]
{{- end -}}

{{/* Pod template of a server. Takes a dict of root, component, script, passwords (the roles whose it needs) and data (a volume source). */}}
{{- define "users-api.bundled.podTemplate" -}}
{{- $root := .root -}}
{{- $bundled := .root.Values.postgresql.bundled -}}
metadata:
  labels:
    {{- include "users-api.podLabels" (dict "root" .root "component" .component) | nindent 4 }}
  annotations:
    checksum/config: {{ include "users-api.checksum" (dict "root" .root "template" "/postgresql/bundled/configmap.yaml") | quote }}
    {{- range $role := .passwords }}
    {{- with include "users-api.postgresql.passwordChecksum" (dict "root" $root "role" $role) }}
    {{ printf "checksum/password-%s" $role | quote }}: {{ . | quote }}
    {{- end }}
    {{- end }}
    {{- if and (include "users-api.bundled.isExported" .root) .root.Values.metrics.annotations (not .root.Values.metrics.podMonitor.enabled) (not .root.Values.metrics.serviceMonitor.enabled) }}
    prometheus.io/scrape: "true"
    prometheus.io/port: "9187"
    prometheus.io/path: /metrics
    {{- end }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml (uniq .) | nindent 4 }}
  {{- end }}
  {{- with .root.Values.priorityClassName }}
  priorityClassName: {{ . | quote }}
  {{- end }}
  terminationGracePeriodSeconds: {{ $bundled.terminationGracePeriodSeconds | int }}
  securityContext:
    {{- include "users-api.podSecurityContext" $bundled.runAsUser | nindent 4 }}
  containers:
    - name: postgresql
      image: {{ include "users-api.image" (dict "image" $bundled.image) | quote }}
      imagePullPolicy: {{ $bundled.image.pullPolicy | quote }}
      command: [sh, {{ printf "/etc/postgresql/%s" .script | quote }}]
      env:
        - name: PGDATA
          value: /var/lib/postgresql/data/pgdata # below the mount, which may have a lost+found
        - name: PGHOST
          value: /run/postgresql
        - name: PRIMARY
          value: {{ include "users-api.postgresql.hosts" .root | quote }}
        - name: REPLICAS
          value: {{ printf "%s:5432" (include "users-api.bundled.replicaDomain" .root) | quote }}
        - name: DATABASE
          value: {{ .root.Values.postgresql.database | quote }}
        - name: TLS_FOLDER
          value: /etc/postgresql-tls
        {{- include "users-api.bundled.verification" .root | nindent 8 }}
        {{- include "users-api.bundled.roles" (dict "root" .root "passwords" .passwords) | nindent 8 }}
      securityContext:
        {{- include "users-api.containerSecurityContext" . | nindent 8 }}
      ports:
        - name: postgresql
          containerPort: 5432
          protocol: TCP
      # A recovery or a copy takes as long as it takes, and no liveness probe ends a server that is only busy.
      startupProbe:
        exec:
          command: [sh, /etc/postgresql/ready.sh]
        periodSeconds: 1
        timeoutSeconds: 5
        failureThreshold: {{ $bundled.startupSeconds | int }}
      readinessProbe:
        exec:
          command: [sh, /etc/postgresql/ready.sh]
        # A look is a process in the container and a log-in, and a server that ends or starts is seen without it.
        periodSeconds: 10
        timeoutSeconds: 3
        failureThreshold: 2
      resources:
        {{- $limits := dict "memory" (printf "%vMi" $bundled.resources.limitMebibytes) }}
        {{- include "users-api.resources" (dict "requests" $bundled.resources.requests "limits" $limits) | nindent 8 }}
      volumeMounts:
        - { name: config, mountPath: /etc/postgresql, readOnly: true }
        - { name: tls, mountPath: /etc/postgresql-tls, readOnly: true }
        {{- include "users-api.postgresql.mounts" (dict "root" .root) | nindent 8 }}
        - { name: data, mountPath: /var/lib/postgresql/data }
        - { name: run, mountPath: /run/postgresql }
        - { name: tmp, mountPath: /tmp }
        - { name: shm, mountPath: /dev/shm }
    {{- if $bundled.exporter.enabled }}
    - name: exporter
      image: {{ include "users-api.image" (dict "image" $bundled.exporter.image) | quote }}
      imagePullPolicy: {{ $bundled.exporter.image.pullPolicy | quote }}
      env:
        # The password by itself: a space in a URL's makes the exporter log the URL, and give up.
        - name: DATA_SOURCE_NAME
          value: {{ printf "postgresql://127.0.0.1:5432/%s?sslmode=disable" .root.Values.postgresql.database | quote }}
        - name: PGUSER
          {{- include "users-api.postgresql.username" (dict "root" .root "role" "monitor") | nindent 10 }}
        - name: PGPASSWORD
          {{- include "users-api.postgresql.password" (dict "root" .root "role" "monitor") | nindent 10 }}
      securityContext:
        {{- include "users-api.containerSecurityContext" . | nindent 8 }}
      ports:
        - name: metrics
          containerPort: 9187
          protocol: TCP
      readinessProbe:
        httpGet: { path: /, port: metrics }
      livenessProbe:
        httpGet: { path: /, port: metrics }
        timeoutSeconds: 5
        failureThreshold: 6
      resources:
        {{- include "users-api.resources" $bundled.exporter.resources | nindent 8 }}
    {{- end }}
  volumes:
    - name: config
      configMap:
        name: {{ include "users-api.postgresql.fullname" .root | quote }}
    - name: tls
      secret:
        secretName: {{ printf "%s-tls" (include "users-api.postgresql.fullname" .root) | quote }}
        defaultMode: 0440 # the server refuses a key that others may read
        items: [{ key: tls.crt, path: tls.crt }, { key: tls.key, path: tls.key }]
    {{- include "users-api.postgresql.volumes" (dict "root" .root) | nindent 4 }}
    - name: data
      {{- .data | toYaml | nindent 6 }}
    - name: run
      emptyDir:
        medium: Memory
        sizeLimit: 1Mi
    - name: tmp
      emptyDir:
        sizeLimit: 64Mi
    # A container has 64 MiB of its own, which parallel queries use up. This counts as memory of the container.
    - name: shm
      emptyDir:
        medium: Memory
        sizeLimit: {{ printf "%vMi" $bundled.resources.limitMebibytes | quote }}
  {{- include "users-api.bundled.placement" .root | nindent 2 }}
{{- end -}}

{{/* Memory for what the server keeps, and a name for the database's own objects. */}}
{{- define "users-api.validate.bundled" -}}
{{- $bundled := .Values.postgresql.bundled -}}
{{- if and (include "users-api.bundled.isOn" .) (gt (mul 2 (int $bundled.sharedBuffersMebibytes)) (int $bundled.resources.limitMebibytes)) }}
postgresql.bundled.sharedBuffersMebibytes {{ $bundled.sharedBuffersMebibytes }} is more than half of postgresql.bundled.resources.limitMebibytes {{ $bundled.resources.limitMebibytes }}, which connections need too: set at most {{ div (int $bundled.resources.limitMebibytes) 2 }}, or raise the limit
{{- end }}
{{- if and (include "users-api.bundled.isOn" .) (has .Values.postgresql.database (list "postgres" "template0" "template1" "replication")) }}
postgresql.database {{ .Values.postgresql.database }} is PostgreSQL's own: choose another, such as users
{{- end }}
{{- if include "users-api.bundled.isOn" . }}
{{- $names := list }}
{{- range $name, $role := .Values.postgresql.roles }}
{{- if and (not $role.existingSecret) (or (has $role.username $names) (eq $role.username "postgres") (hasPrefix "pg_" $role.username)) }}
postgresql.roles.{{ $name }}.username {{ $role.username }} is another role's, or PostgreSQL's own: choose another
{{- end }}
{{- $names = append $names $role.username }}
{{- end }}
{{- end }}
{{- end -}}
