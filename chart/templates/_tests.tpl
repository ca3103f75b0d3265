{{/*
A `helm test` pod that runs a Python script with the service's own image. The script has `call(path, headers)`, which
returns status, headers and body, and is run again until it stops raising or the time is up. Takes a dict of root, name and
script.
*/}}
{{- define "users-api.test" -}}
{{- if .root.Values.tests.enabled -}}
apiVersion: v1
kind: Pod
metadata:
  {{- /* A failed one stays, so that its log can be read. */}}
  {{- $hook := dict "helm.sh/hook" "test" "helm.sh/hook-delete-policy" "before-hook-creation,hook-succeeded" }}
  {{- $name := printf "%s-test-%s" (include "users-api.fullname" .root) .name }}
  {{- include "users-api.metadata" (dict "root" .root "component" "test" "name" $name "annotations" $hook) | nindent 2 }}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 0
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml (uniq .) | nindent 4 }}
  {{- end }}
  {{- with include "users-api.strings" (list .root.Values.nodeSelector) }}
  nodeSelector:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- include "users-api.podSecurityContext" .root.Values.runAsUser | nindent 4 }}
  containers:
    - name: test
      image: {{ include "users-api.image" (dict "image" .root.Values.image "tag" .root.Chart.AppVersion) | quote }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy | quote }}
      securityContext:
        {{- include "users-api.containerSecurityContext" . | nindent 8 }}
      resources:
        requests: { cpu: 20m, memory: 32Mi }
        limits: { memory: 64Mi }
      env:
        - name: BASE_URL
          value: {{ printf "http://%s:%v" (include "users-api.fullname" .root) .root.Values.service.port | quote }}
        - name: TIMEOUT_SECONDS
          value: {{ .root.Values.tests.timeoutSeconds | quote }}
        {{- with .env }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      command:
        - python
        - -c
        - |
          import json, os, time, urllib.error, urllib.request

          def call(path, headers={}):
              request = urllib.request.Request(os.environ["BASE_URL"] + path, headers=headers)
              try:
                  answer = urllib.request.urlopen(request, timeout=5)
              except urllib.error.HTTPError as error:
                  answer = error
              return answer.status, answer.headers, answer.read().decode()

          def check():
              {{- .script | trim | nindent 14 }}

          deadline = time.monotonic() + float(os.environ["TIMEOUT_SECONDS"])
          while True:
              try:
                  check()
                  break
              except (AssertionError, OSError) as error:
                  if time.monotonic() > deadline:
                      raise
                  print("not yet:", repr(error), flush=True)
                  time.sleep(1)
          print("passed: {{ .name }}")
{{- end -}}
{{- end -}}
