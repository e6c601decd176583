{{/*
Names, labels and annotations.

Most templates take a component: a dict with
  root       the top-level context, $
  component  api, operator, worker, migrations, postgresql, redis or test: the label app.kubernetes.io/component
  name       what is added to the release's name; the component's, or for workers worker-<pool>
  pool       name of the worker pool (workers only)
  config     the component's block of values
*/}}

{{- define "secapi.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Beginning of every name; short enough for what is added to it. */}}
{{- define "secapi.fullname" -}}
{{- $name := include "secapi.name" . -}}
{{- $generated := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- .Values.fullnameOverride | default $generated | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "secapi.component.name" -}}
{{ include "secapi.fullname" .root }}-{{ .name }}
{{- end -}}

{{/* What selects the pods of a component; must not change during a release's life. */}}
{{- define "secapi.selectorLabels" -}}
app.kubernetes.io/name: {{ include "secapi.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- with .pool }}
secapi.dev/pool: {{ . }}
{{- end }}
{{- end -}}

{{- define "secapi.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{ include "secapi.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: secapi
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/*
Content of "metadata" of a component's object. Further keys of the dict:
  named        the object's name, where it is not the component's
  annotations  are added to the common ones
  labels       are added to the component's
  cluster      true for an object outside of namespaces
*/}}
{{- define "secapi.metadata" -}}
name: {{ .named | default (include "secapi.component.name" .) }}
{{- if not .cluster }}
namespace: {{ .root.Release.Namespace }}
{{- end }}
labels:
  {{- include "secapi.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge dict (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* All pools of workers share one ServiceAccount. */}}
{{- define "secapi.serviceAccount.name" -}}
{{- with .config.serviceAccount -}}
{{- $made := printf "%s-%s" (include "secapi.fullname" $.root) $.component -}}
{{- .name | default (.create | ternary $made "default") -}}
{{- end -}}
{{- end -}}
