{{/* Parts of the embedded servers. They take a component, see _names.tpl, whose config is the server's block of values. */}}

{{/*
Values of a server, as those of a component: a ServiceAccount of its own, and its block of values, which this takes.
*/}}
{{- define "secapi.embedded.config" -}}
serviceAccount: {create: true, annotations: {}}
{{ toYaml . }}
{{- end -}}

{{/* Image, security context and resources of the container. */}}
{{- define "secapi.embedded.basics" -}}
image: {{ include "secapi.image.reference" (dict "root" .root "image" .config.image) }}
imagePullPolicy: {{ .config.image.pullPolicy | default .root.Values.image.pullPolicy }}
securityContext:
  {{- include "secapi.container.securityContext" . | nindent 2 }}
resources:
  {{- toYaml .config.resources | nindent 2 }}
{{- end -}}

{{/* All probes ask the same; "probe" is how, as YAML. */}}
{{- define "secapi.embedded.probes" -}}
startupProbe:
  {{- .probe | nindent 2 }}
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 60
livenessProbe:
  {{- .probe | nindent 2 }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  {{- .probe | nindent 2 }}
  periodSeconds: 5
  timeoutSeconds: 5
{{- end -}}

{{/* The Service, the ServiceAccount and the NetworkPolicy; "from" are the peers that may connect. */}}
{{- define "secapi.embedded.surroundings" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "secapi.metadata" . | nindent 2 }}
spec:
  selector:
    {{- include "secapi.selectorLabels" . | nindent 4 }}
  ports:
    - name: {{ .component }}
      port: {{ include "secapi.port" . }}
      targetPort: {{ .component }}
---
{{ include "secapi.serviceAccount" . }}
{{- if .root.Values.networkPolicy.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "secapi.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "secapi.selectorLabels" . | nindent 6 }}
  policyTypes: [Ingress]
  ingress:
    - ports:
        - {protocol: TCP, port: {{ include "secapi.port" . }}}
      from:
        {{- .from | trim | nindent 8 }}
{{- end }}
{{- end -}}
