{{/* Topology keys of the spread constraints, as a list.

Where one of them is soft, the scheduler leaves a node out of the scores of all of them if it lacks one of the keys: on
a cluster without zones it would not spread over nodes either. So there the zone is a wish of the affinity's. */}}
{{- define "users-api.spreadKeys" -}}
- kubernetes.io/hostname
{{- if eq .Values.topologySpread.whenUnsatisfiable "DoNotSchedule" }}
- topology.kubernetes.io/zone
{{- end }}
{{- end }}

{{/* The pods' affinity: the values', and where they say nothing of other pods, rather another zone than theirs. */}}
{{- define "users-api.affinity" -}}
{{- $affinity := deepCopy .Values.affinity }}
{{- $soft := and .Values.topologySpread.enabled (eq .Values.topologySpread.whenUnsatisfiable "ScheduleAnyway") }}
{{- if and $soft (not (hasKey $affinity "podAntiAffinity")) }}
{{- $labels := include "users-api.selectorLabels" (dict "root" . "component" "api") | fromYaml }}
{{- $term := dict
    "topologyKey" "topology.kubernetes.io/zone"
    "matchLabelKeys" (list "pod-template-hash")
    "labelSelector" (dict "matchLabels" $labels) }}
{{- $wish := dict "weight" 100 "podAffinityTerm" $term }}
{{- $_ := set $affinity "podAntiAffinity" (dict "preferredDuringSchedulingIgnoredDuringExecution" (list $wish)) }}
{{- end }}
{{- toYaml $affinity }}
{{- end }}
