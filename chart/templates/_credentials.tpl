{{/*
What the Job of credentials/ makes in the cluster, as service/credentials/plan.py reads it; empty where there is nothing to
make. A rendering must draw no password itself: Argo CD and Flux render anew each time, and would lock new pods out. Takes
the root.
*/}}
{{- define "users-api.credentials.plan" -}}
{{- $plan := dict "labels" (include "users-api.selectorLabels" (dict "root" . "component" "credentials") | fromYaml) -}}
{{- $passwords := list -}}
{{- if include "users-api.redis.generatesPassword" . -}}
{{- /* An older chart drew the password itself, into a Secret of another name. */}}
{{- $passwords = append $passwords (dict "secret" (include "users-api.redis.secretName" .) "keys" (list "password") "taken_from" (include "users-api.redis.fullname" .)) -}}
{{- end -}}
{{- range $role, $login := .Values.postgresql.roles -}}
{{- if include "users-api.postgresql.generatesPassword" (dict "root" $ "role" $role) -}}
{{- /* Kept, as the data are that they open. */}}
{{- $passwords = append $passwords (dict "secret" (include "users-api.postgresql.secretName" (dict "root" $ "role" $role)) "keys" (list "password") "username" $login.username "kept" true) -}}
{{- end -}}
{{- end -}}
{{- with $passwords -}}
{{- $_ := set $plan "passwords" . -}}
{{- end -}}
{{- $certificates := list -}}
{{- range list "users-api.tls.certificate" "users-api.bundled.certificate" -}}
{{- with include . $ -}}
{{- $certificates = append $certificates (fromJson .) -}}
{{- end -}}
{{- end -}}
{{- with $certificates -}}
{{- $_ := set $plan "certificates" . -}}
{{- end -}}
{{- if or $plan.passwords $plan.certificates -}}
{{- toJson $plan -}}
{{- end -}}
{{- end -}}

{{/* The certificate of routing.tls.mode=generated, as the plan has it; empty in the other modes. */}}
{{- define "users-api.tls.certificate" -}}
{{- $tls := .Values.routing.tls -}}
{{- if eq $tls.mode "generated" -}}
{{- $certificate := dict "secret" (include "users-api.tlsSecretName" .) "hosts" .Values.routing.hosts "valid_days" (int $tls.generated.validDays) "renew_days" (int $tls.generated.renewDays) -}}
{{- if not $tls.secretName -}}
{{- $_ := set $certificate "taken_from" (printf "%s-tls" (include "users-api.fullname" .)) -}}
{{- end -}}
{{- toJson $certificate -}}
{{- end -}}
{{- end -}}

{{/* The plan of the CronJob that renews the certificate of routing.tls.mode=generated: of that one alone. */}}
{{- define "users-api.tls.plan" -}}
{{- $plan := include "users-api.credentials.plan" . | fromJson -}}
{{- dict "labels" $plan.labels "certificates" (list (include "users-api.tls.certificate" . | fromJson)) | toJson -}}
{{- end -}}

{{/* Names of the Secrets of a plan that go with the release, as a YAML list. Takes the plan. */}}
{{- define "users-api.credentials.owned" -}}
{{- $names := list -}}
{{- range .passwords -}}
{{- if not .kept -}}
{{- $names = append $names .secret -}}
{{- end -}}
{{- end -}}
{{- range .certificates -}}
{{- $names = append $names .secret -}}
{{- end -}}
{{- toYaml $names -}}
{{- end -}}

{{/* Names of all Secrets of a plan, as a YAML list. Takes the plan. */}}
{{- define "users-api.credentials.secrets" -}}
{{- $names := list -}}
{{- range .passwords -}}
{{- $names = append $names .secret -}}
{{- end -}}
{{- range .certificates -}}
{{- $names = append $names .secret -}}
{{- end -}}
{{- toYaml $names -}}
{{- end -}}

{{/* Rights of what carries out a plan: to make a Secret and its owner, and to change those of the plan alone. Takes the plan. */}}
{{- define "users-api.credentials.rules" -}}
{{- $old := list -}}
{{- range concat (.passwords | default list) (.certificates | default list) -}}
{{- with .taken_from -}}
{{- $old = append $old . -}}
{{- end -}}
{{- end -}}
# A name cannot bound "create": the object has none yet.
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
# Nothing is deleted: where owners are guarded (OpenShift) this is the right to name one.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, patch, delete]
  resourceNames:
    {{- include "users-api.credentials.secrets" . | nindent 4 }}
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get]
  resourceNames:
    {{- include "users-api.credentials.secrets" . | nindent 4 }}
{{- with $old }}
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
  resourceNames:
    {{- toYaml . | nindent 4 }}
{{- end }}
{{- end -}}

{{/* Way out of the pods that carry out a plan: names, and the API server. Takes the root. */}}
{{- define "users-api.credentials.egress" -}}
- ports:
    {{- range .Values.networkPolicy.dnsPorts }}
    - { port: {{ . | int }}, protocol: UDP }
    - { port: {{ . | int }}, protocol: TCP }
    {{- end }}
# The API server has no selector: it is allowed by its ports, before and behind its Service.
- ports:
    {{- range .Values.networkPolicy.apiServerPorts }}
    - { port: {{ . | int }}, protocol: TCP }
    {{- end }}
{{- end -}}

{{/* Pod template that carries out a plan. Takes a dict of root, plan and account, the name of its ServiceAccount. */}}
{{- define "users-api.credentials.podTemplate" -}}
metadata:
  labels:
    {{- include "users-api.podLabels" (dict "root" .root "component" "credentials") | nindent 4 }}
spec:
  restartPolicy: Never
  serviceAccountName: {{ .account | quote }}
  automountServiceAccountToken: true
  enableServiceLinks: false
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.priorityClassName }}
  priorityClassName: {{ . | quote }}
  {{- end }}
  {{- with .root.Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- include "users-api.podSecurityContext" .root.Values.runAsUser | nindent 4 }}
  containers:
    - name: credentials
      image: {{ include "users-api.image" (dict "image" .root.Values.image "tag" .root.Chart.AppVersion) | quote }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy | quote }}
      command: [python, -m, service.credentials]
      args:
        - {{ .plan | toJson | quote }}
      securityContext:
        {{- include "users-api.containerSecurityContext" . | nindent 8 }}
      resources:
        requests: { cpu: 20m, memory: 64Mi }
        limits: { memory: 128Mi }
{{- end -}}
