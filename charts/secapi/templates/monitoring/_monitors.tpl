{{/* Entries of "endpoints" of a ServiceMonitor and "podMetricsEndpoints" of a PodMonitor; takes its block of values. */}}

{{- define "secapi.monitor.endpoints" -}}
- port: http
  path: /metrics
  interval: {{ .interval }}
  scrapeTimeout: {{ .scrapeTimeout }}
  {{- /* "namespace" is the tenant's in several metrics, and alerts and dashboard ask for it by that name. */}}
  honorLabels: true
  {{- with .relabelings }}
  relabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .metricRelabelings }}
  metricRelabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
