{{/*
What the API server refuses of an Ingress and, with ingress.validate, what ingress-nginx refuses or does not serve as meant. It
refuses only where its webhook runs: elsewhere it leaves the whole Ingress, or the one annotation, out without a word.
*/}}
{{- define "users-api.validate.ingress" -}}
{{- $ingress := .Values.ingress -}}
{{- $class := "kubernetes.io/ingress.class" -}}
{{- if and $ingress.enabled $ingress.className (hasKey $ingress.annotations $class) }}
ingress.annotations has {{ $class }} beside ingress.className {{ $ingress.className }}, and Kubernetes takes one: leave the annotation out, or set className to ""
{{- end }}
{{- if and $ingress.enabled $ingress.validate -}}
{{- $otherwise := "or set ingress.validate=false if your controller takes it" }}
{{- range uniq .Values.routing.paths }}
{{- if not (regexMatch "^/[A-Za-z0-9._/-]*$" .) }}
routing.paths has {{ toRawJson . }}: ingress-nginx takes letters, digits and . _ - / in a path: let in what precedes the rest, {{ $otherwise }}
{{- else if regexMatch "/etc/(passwd|shadow|group|nginx|ingress-controller)|/var/run/secrets|_by_lua" . }}
routing.paths has {{ toRawJson . }}: ingress-nginx takes a path like this for an attack on itself: let in what precedes the rest, {{ $otherwise }}
{{- end }}
{{- end }}
{{- if and (eq .Values.routing.tls.mode "secret") (not .Values.routing.hosts) }}
routing.tls.mode secret without routing.hosts: ingress-nginx finds a certificate by the host, and would serve its own fake one: name the hosts that the certificate is for; or make it the controller's default (--default-ssl-certificate), with routing.tls.mode=none; {{ $otherwise }}
{{- end }}
{{- $known := .Files.Get "files/ingress-nginx.yaml" | fromYaml }}
{{- range $key, $value := $ingress.annotations }}
{{- $name := trimPrefix "nginx.ingress.kubernetes.io/" $key }}
{{- $form := eq $name $key | ternary "" (get $known.annotations $name) }}
{{- if hasSuffix "-snippet" $key }}
ingress.annotations has {{ $key }}, and ingress-nginx refuses snippets by default: leave it out, {{ $otherwise }} (allow-snippet-annotations, and annotations-risk-level Critical)
{{- else if and $form (not (eq "" (toString $value))) (include "users-api.validate.ingress.misses" (dict "form" (get $known.forms $form) "value" (toString $value))) }}
ingress.annotations has {{ $key }} {{ toRawJson (toString $value) }}: ingress-nginx wants {{ (get $known.forms $form).wanted }}; write that, {{ $otherwise }}
{{- else if and (has $name $known.sameNamespace) (ne $name $key) (contains "/" (toString $value)) (ne (toString $value | splitList "/" | first) $.Release.Namespace) }}
ingress.annotations has {{ $key }} {{ toRawJson (toString $value) }}: ingress-nginx answers 503 for what is in another namespace than {{ $.Release.Namespace }}: have it there, {{ $otherwise }} (allow-cross-namespace-resources)
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Whether a value is not of a form, which is one of files/ingress-nginx.yaml. Takes a dict of both. */}}
{{- define "users-api.validate.ingress.misses" -}}
{{- $form := .form -}}
{{- $whole := $form.withoutSpaces | default false | ternary (.value | replace " " "") .value -}}
{{- $listed := default false $form.listed -}}
{{- range $listed | ternary (splitList "," $whole) (list $whole) -}}
{{- if not (regexMatch $form.pattern ($listed | ternary (trim .) .)) -}}
true
{{- end -}}
{{- end -}}
{{- end -}}
