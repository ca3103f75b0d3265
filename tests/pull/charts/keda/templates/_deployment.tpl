{{- /* One of the three Deployments: they differ in names, image, arguments, ports and probes. */ -}}
{{- define "deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels: { app: {{ .name }}, app.kubernetes.io/name: {{ .name }}, app.kubernetes.io/part-of: keda-operator }
spec:
  selector:
    matchLabels: { app: {{ .name }} }
  template:
    metadata:
      labels: { app: {{ .name }}, app.kubernetes.io/name: {{ .name }}, app.kubernetes.io/part-of: keda-operator }
    spec:
      serviceAccountName: {{ .account }}
      securityContext: { runAsNonRoot: true }
      containers:
        - name: {{ .name }}
          image: "{{ .image.registry }}/{{ .image.repository }}:{{ .root.Chart.AppVersion }}"
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          command: [{{ .command }}]
          args:
            {{- toYaml .args | nindent 12 }}
            {{- range $key, $value := .extra }}
            - --{{ $key }}={{ $value }}
            {{- end }}
          env:
            - { name: WATCH_NAMESPACE, value: "" }
            - { name: OPERATOR_NAME, value: {{ .root.Values.operator.name }} }
            - { name: KEDA_HTTP_DEFAULT_TIMEOUT, value: "3000" }
            - name: POD_NAME
              valueFrom: { fieldRef: { fieldPath: metadata.name } }
            - name: POD_NAMESPACE
              valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
          ports:
            {{- toYaml .ports | nindent 12 }}
          livenessProbe:
            httpGet: { path: /healthz, port: {{ .health }}, scheme: {{ .scheme }} }
            initialDelaySeconds: 25
          readinessProbe:
            httpGet: { path: /readyz, port: {{ .health }}, scheme: {{ .scheme }} }
            initialDelaySeconds: {{ .delay }}
            periodSeconds: 3
          resources:
            requests: { cpu: 100m, memory: 100Mi }
            limits: { cpu: "1", memory: 1000Mi }
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: { drop: [ALL] }
            seccompProfile: { type: RuntimeDefault }
          volumeMounts:
            - { name: certificates, mountPath: /certs, readOnly: true }
      volumes:
        - name: certificates
          secret: { secretName: kedaorg-certs, optional: {{ .optional }} }
{{- end -}}
