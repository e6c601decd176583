{{/* How the database gets its schema. */}}

{{/*
Not empty if a hook Job migrates, before anything else is installed or upgraded: it runs once, and a failure stops Helm
before new code meets an old schema.

Embedded servers do not exist yet when a hook of the first install runs, and objects of hooks are not removed on
uninstall, so they cannot become hooks themselves. There, and where no Helm runs hooks, init containers of the API and
the operator migrate. That is safe at the same time: the command takes a lock, and a second run finds nothing to do.
Workers need no such container; they are not ready until the schema is there.
*/}}
{{- define "secapi.migrations.hook" -}}
{{- if and .Values.migrations.hook.enabled (not .Values.embedded.enabled) -}}
true
{{- end -}}
{{- end -}}

{{/* Annotations of the hook's objects; "weight" puts what the Job needs before it. */}}
{{- define "secapi.migrations.annotations" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}

{{/* The container, of the Job or as init container; takes the top-level context. */}}
{{- define "secapi.migrations.container" -}}
{{- $component := dict
  "root" . "component" "migrations" "config" .Values.migrations
  "image" (dict "root" . "name" "migrations" "settings" (list .Values.migrations.image))
-}}
name: migrate
{{ include "secapi.container.basics" $component }}
env:
  {{- include "secapi.env.database" . | nindent 2 }}
  - name: SECAPI_MIGRATE_WAIT
    value: {{ .Values.migrations.waitSeconds | quote }}
  {{- with .Values.migrations.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with include "secapi.envFrom" $component }}
{{ . }}
{{- end }}
volumeMounts:
  {{- include "secapi.container.mounts" $component | nindent 2 }}
{{- end -}}
