{{/* Entries of a container's "env". Those that vary with the component take one, see _names.tpl. */}}

{{/* Where the ledger is; takes the top-level context. */}}
{{- define "secapi.env.database" -}}
- name: SECAPI_DATABASE_URL
  valueFrom:
    secretKeyRef:
      {{- include "secapi.credential.database" . | nindent 6 }}
{{- end -}}

{{/* The same for the API, as the role that row-level security holds; takes the top-level context. */}}
{{- define "secapi.env.apiDatabase" -}}
- name: SECAPI_DATABASE_URL
  valueFrom:
    secretKeyRef:
      {{- include "secapi.credential.apiDatabase" . | nindent 6 }}
{{- end -}}

{{/* Where the broker is; takes the top-level context. */}}
{{- define "secapi.env.redis" -}}
- name: SECAPI_REDIS_URL
  valueFrom:
    secretKeyRef:
      {{- include "secapi.credential.redis" . | nindent 6 }}
{{- end -}}

{{/* What keys the hashes of API keys; takes the top-level context. */}}
{{- define "secapi.env.pepper" -}}
- name: SECAPI_API_KEY_PEPPER
  valueFrom:
    secretKeyRef:
      {{- include "secapi.credential.pepper" . | nindent 6 }}
{{- end -}}

{{/* Whose tokens the API takes; takes the top-level context. May be empty. */}}
{{- define "secapi.env.oidc" -}}
{{- with .Values.api.oidc -}}
{{- if .issuer -}}
- name: SECAPI_OIDC_ISSUER
  value: {{ .issuer | quote }}
- name: SECAPI_OIDC_AUDIENCE
  value: {{ .audience | quote }}
{{- with .algorithms }}
- name: SECAPI_OIDC_ALGORITHMS
  value: {{ toJson . | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Ranges that are not scanned; takes the top-level context. */}}
{{- define "secapi.env.deniedCidrs" -}}
{{- with .Values.operator.deniedCidrs -}}
- name: SECAPI_DENIED_CIDRS
  value: {{ toJson . | quote }}
{{- end }}
{{- end -}}

{{/* What webhooks are signed with and where they may go; takes the top-level context. May be empty. */}}
{{- define "secapi.env.webhooks" -}}
{{- if or .Values.webhooks.key.existingSecret .Values.embedded.enabled -}}
- name: SECAPI_WEBHOOK_KEY
  valueFrom:
    secretKeyRef:
      {{- include "secapi.credential.webhookKey" . | nindent 6 }}
{{- if .Values.webhooks.allowHttp }}
- name: SECAPI_WEBHOOK_ALLOW_HTTP
  value: "true"
{{- end }}
{{- with .Values.webhooks.allowedCidrs }}
- name: SECAPI_WEBHOOK_ALLOWED_CIDRS
  value: {{ toJson . | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What every component reads: how to log, where to report, its own tuning, and what the values add. */}}
{{- define "secapi.env.common" -}}
- name: SECAPI_LOG_LEVEL
  value: {{ .config.logLevel }}
{{- range $name, $value := .config.settings }}
- name: SECAPI_{{ snakecase $name | upper }}
  value: {{ $value | toJson | trimAll "\"" | quote }}
{{- end }}
{{- if .root.Values.tracing.enabled }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ .root.Values.tracing.endpoint | quote }}
{{- end }}
{{- with .root.Values.errorTracking }}
{{- if .existingSecret }}
- name: SENTRY_DSN
  valueFrom:
    secretKeyRef:
      name: {{ .existingSecret | quote }}
      key: {{ .key | quote }}
{{- end }}
{{- end }}
{{- with .config.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Content of a container's "envFrom", if any; "secrets" are names of Secrets. */}}
{{- define "secapi.envFrom" -}}
{{- $sources := .config.extraEnvFrom | default list -}}
{{- range .secrets -}}
  {{- if . -}}{{- $sources = append $sources (dict "secretRef" (dict "name" .)) -}}{{- end -}}
{{- end -}}
{{- with $sources -}}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
