{{/*
What no schema can say: values that contradict each other, and Secrets that are not there. Each template of this file
prints a sentence a line, which names the value and what to do; Helm fails with all of them.
*/}}

{{- define "secapi.validate" -}}
{{- $problems := list -}}
{{- range list "connections" "artifacts" "telemetry" "api" "migrations" "pools" "secrets" -}}
  {{- range include (printf "secapi.problems.%s" .) $ | splitList "\n" -}}
    {{- with trim . -}}{{- $problems = append $problems . -}}{{- end -}}
  {{- end -}}
{{- end -}}
{{- with $problems -}}{{- printf "\n%s" (join "\n" .) | fail -}}{{- end -}}
{{- end -}}

{{- define "secapi.problems.connections" -}}
{{- range $value, $name := dict "externalDatabase" "database" "externalRedis" "Redis" }}
{{- $secret := (index $.Values $value).existingSecret }}
{{- if and $secret $.Values.embedded.enabled }}
unset {{ $value }}.existingSecret, or embedded.enabled: with both it is not clear which {{ $name }} is meant
{{- else if not (or $secret $.Values.embedded.enabled) }}
set {{ $value }}.existingSecret, or embedded.enabled=true for an evaluation
{{- end }}
{{- end }}
{{- if not (or .Values.apiKeys.pepper.existingSecret .Values.embedded.enabled) }}
set apiKeys.pepper.existingSecret, or embedded.enabled=true for an evaluation
{{- end }}
{{- end -}}

{{- define "secapi.problems.artifacts" -}}
{{- if hasPrefix "file:" .Values.artifacts.url }}
unset artifacts.url and set artifacts.persistence.enabled=true: a volume is mounted where the chart expects it
{{- else if hasPrefix "memory:" .Values.artifacts.url }}
set artifacts.url to an object store: what the API keeps in its memory, no worker can read
{{- else if not (or .Values.artifacts.url (include "secapi.artifacts.volume" .)) }}
set artifacts.url to an object store such as s3://bucket/prefix, or artifacts.persistence.enabled=true for a shared volume
{{- end }}
{{- end -}}

{{- define "secapi.problems.telemetry" -}}
{{- if and .Values.tracing.enabled (not .Values.tracing.endpoint) }}
set tracing.endpoint, for example to http://collector.monitoring:4318, or tracing.enabled=false
{{- end }}
{{- end -}}

{{- define "secapi.problems.api" -}}
{{- if and .Values.api.ingress.enabled (not .Values.api.ingress.hosts) }}
set api.ingress.hosts, or api.ingress.enabled=false
{{- end }}
{{- with .Values.api.oidc }}
{{- if and .issuer (not .audience) }}
set api.oidc.audience, or unset api.oidc.issuer: tokens that the provider made for others must not count
{{- else if and .audience (not .issuer) }}
set api.oidc.issuer, or unset api.oidc.audience
{{- end }}
{{- end }}
{{- with .Values.api.autoscaling }}
{{- if gt (int .minReplicas) (int .maxReplicas) }}
set api.autoscaling.minReplicas ({{ .minReplicas }}) to no more than maxReplicas ({{ .maxReplicas }})
{{- end }}
{{- end }}
{{- end -}}

{{- define "secapi.problems.migrations" -}}
{{- with .Values.migrations }}
{{- if ge (int .waitSeconds) (int .activeDeadlineSeconds) }}
set migrations.waitSeconds ({{ .waitSeconds }}) to less than migrations.activeDeadlineSeconds ({{ .activeDeadlineSeconds }})
{{- end }}
{{- end }}
{{- end -}}

{{- define "secapi.problems.pools" -}}
{{- range $name, $pool := include "secapi.pools" . | fromYaml }}
{{- $path := printf "workers.pools.%s" $name }}
{{- $grace := int $pool.terminationGracePeriodSeconds }}
{{- if ge (int $pool.drainSeconds) $grace }}
set {{ $path }}.drainSeconds ({{ $pool.drainSeconds }}) to less than its terminationGracePeriodSeconds ({{ $grace }})
{{- end }}
{{- if and (has "system" $pool.pools) (not (or $.Values.webhooks.key.existingSecret $.Values.embedded.enabled)) }}
set webhooks.key.existingSecret, with which {{ $path }} signs, or {{ $path }}.enabled=false: then nobody can make webhooks
{{- end }}
{{- if and (has "system" $pool.pools) $pool.autoscaling.enabled }}
set {{ $path }}.autoscaling.enabled=false: autoscalers do not see how many webhooks wait
{{- end }}
{{- with $pool.autoscaling }}
{{- if gt (int .minReplicas) (int .maxReplicas) }}
set {{ $path }}.autoscaling.minReplicas ({{ .minReplicas }}) to no more than maxReplicas ({{ .maxReplicas }})
{{- end }}
{{- if and .enabled (eq .type "hpa") (lt (int .minReplicas) 1) }}
set {{ $path }}.autoscaling.minReplicas to 1 or more, or its type to keda: hpa cannot scale to 0
{{- end }}
{{- $database := or $.Values.autoscaling.database.existingSecret $.Values.embedded.enabled }}
{{- if and .enabled (eq .type "keda") (not $database) }}
set autoscaling.database.existingSecret, by which KEDA asks for the queue of {{ $path }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Helm can look things up only with a cluster at hand, which then has this namespace. */}}
{{- define "secapi.problems.secrets" -}}
{{- if lookup "v1" "Namespace" "" "kube-system" }}
{{- range $value, $keys := dict
  "externalDatabase" (list .Values.externalDatabase.urlKey .Values.externalDatabase.apiUrlKey)
  "externalRedis" (list .Values.externalRedis.urlKey)
  "apiKeys.pepper" (list .Values.apiKeys.pepper.key)
  "webhooks.key" (list .Values.webhooks.key.key)
  "autoscaling.database" (list .Values.autoscaling.database.key)
  "errorTracking" (list .Values.errorTracking.key)
  "artifacts" list
}}
{{- $block := $.Values }}
{{- range splitList "." $value }}{{ $block = index $block . }}{{ end }}
{{- with $block.existingSecret }}
{{- $secret := lookup "v1" "Secret" $.Release.Namespace . }}
{{- if not $secret }}
create the Secret {{ . }} in the namespace {{ $.Release.Namespace }}: {{ $value }}.existingSecret names it
{{- else }}
{{- range compact $keys }}
{{- if not (hasKey ($secret.data | default dict) .) }}
add the key {{ . }} to the Secret {{ $block.existingSecret }}, which {{ $value }}.existingSecret names
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
