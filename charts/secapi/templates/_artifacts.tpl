{{/*
Where uploaded sources are: in an object store, or on a volume that the API and the workers share. All of these take the
top-level context.
*/}}

{{/* Not empty if there is a volume. */}}
{{- define "secapi.artifacts.volume" -}}
{{- if and (empty .Values.artifacts.url) (or .Values.artifacts.persistence.enabled .Values.embedded.enabled) -}}
true
{{- end -}}
{{- end -}}

{{- define "secapi.artifacts.path" -}}
/var/lib/secapi/artifacts
{{- end -}}

{{- define "secapi.artifacts.claim" -}}
{{- .Values.artifacts.persistence.existingClaim | default (printf "%s-artifacts" (include "secapi.fullname" .)) -}}
{{- end -}}

{{- define "secapi.env.artifacts" -}}
- name: SECAPI_ARTIFACT_URL
  value: {{ .Values.artifacts.url | default (printf "file://%s" (include "secapi.artifacts.path" .)) | quote }}
{{- end -}}
