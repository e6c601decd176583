{{/* The ServiceAccount of a component, see _names.tpl, if one is to be made. Only a pod that needs the token mounts it. */}}

{{- define "secapi.serviceAccount" -}}
{{- with .config.serviceAccount }}
{{- if .create }}
{{- $annotations := merge dict .annotations ($.annotations | default dict) -}}
{{- $object := merge (dict "named" (include "secapi.serviceAccount.name" $) "annotations" $annotations) $ -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "secapi.metadata" $object | nindent 2 }}
automountServiceAccountToken: false
{{- end }}
{{- end }}
{{- end -}}
