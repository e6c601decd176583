{{/* Pools of workers. */}}

{{/*
The enabled pools, name to values, as YAML; takes the top-level context. A pool's values are the defaults with its own on
top, and with what follows from its name.
*/}}
{{- define "secapi.pools" -}}
{{- $pools := dict -}}
{{- range $name, $values := .Values.workers.pools -}}
  {{- if dig "enabled" true $values -}}
    {{- $pool := mergeOverwrite (deepCopy $.Values.workers.defaults) (deepCopy $values) -}}
    {{- $_ := set $pool "serviceAccount" $.Values.workers.serviceAccount -}}
    {{- $_ := set $pool "pools" ($pool.pools | default (list $name)) -}}
    {{- $variant := $pool.variant | default $name -}}
    {{- $_ := set $pool "imageName" (eq $variant "all" | ternary "worker" (printf "worker-%s" $variant)) -}}
    {{- if kindIs "invalid" $pool.drainSeconds -}}
      {{- $_ := set $pool "drainSeconds" (sub (int $pool.terminationGracePeriodSeconds) 10 | max 0) -}}
    {{- end -}}
    {{- $_ := set $pools $name $pool -}}
  {{- end -}}
{{- end -}}
{{- toYaml $pools -}}
{{- end -}}

{{/* Jobs for each pod of a pool that autoscaling aims at; takes the pool's values. */}}
{{- define "secapi.pool.target" -}}
{{- mul (int .autoscaling.targetJobsPerWorker) (int .concurrency) -}}
{{- end -}}
