{{/* Who has a role: the ServiceAccount of a component, see _names.tpl, has the role that is named like the binding. */}}

{{- define "secapi.binding" -}}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .named | default (include "secapi.component.name" .) }}
subjects:
  - kind: ServiceAccount
    name: {{ include "secapi.serviceAccount.name" . }}
    namespace: {{ .root.Release.Namespace }}
{{- end -}}
