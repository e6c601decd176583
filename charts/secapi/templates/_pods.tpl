{{/* Parts of pods and containers that every component has. They take a component, see _names.tpl. */}}

{{/* Content of "metadata" of a pod template; "checksums" are annotations that change with what the pods read. */}}
{{- define "secapi.pod.metadata" -}}
labels:
  {{- include "secapi.selectorLabels" . | nindent 2 }}
  {{- with merge dict (.config.podLabels | default dict) .root.Values.commonLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge dict (.checksums | default dict) (.config.podAnnotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Who a pod is: only the API and the operator talk to Kubernetes, so only they get a token. */}}
{{- define "secapi.pod.identity" -}}
serviceAccountName: {{ include "secapi.serviceAccount.name" . }}
automountServiceAccountToken: {{ has .component (list "api" "operator") }}
enableServiceLinks: false
{{- with .root.Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "secapi.pod.securityContext" . | nindent 2 }}
{{- end -}}

{{/* Where a pod runs, and how long it may take to end. */}}
{{- define "secapi.pod.placement" -}}
{{- with .config.priorityClassName | default .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .config.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .config.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .config.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .config.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  {{- $own := dict "labelSelector" (dict "matchLabels" (include "secapi.selectorLabels" $ | fromYaml)) }}
  - {{ toYaml (merge dict . $own) | nindent 4 | trim }}
  {{- end }}
{{- end }}
{{- with .config.terminationGracePeriodSeconds }}
terminationGracePeriodSeconds: {{ . }}
{{- end }}
{{- end -}}

{{/* The restricted Pod Security level. "user" is the number of a user other than our images'. */}}
{{- define "secapi.pod.securityContext" -}}
{{- $user := .user | default 10001 -}}
{{- $hardened := dict
  "runAsNonRoot" true
  "runAsUser" $user
  "runAsGroup" $user
  "fsGroup" $user
  "fsGroupChangePolicy" "OnRootMismatch"
  "seccompProfile" (dict "type" "RuntimeDefault")
-}}
{{- toYaml (mergeOverwrite $hardened (.config.podSecurityContext | default dict)) -}}
{{- end -}}

{{- define "secapi.container.securityContext" -}}
{{- $hardened := dict
  "allowPrivilegeEscalation" false
  "capabilities" (dict "drop" (list "ALL"))
  "readOnlyRootFilesystem" true
-}}
{{- if (.config.rawSockets).enabled -}}
  {{- /* Linux gives an added capability to root only, and scanners run with no_new_privs: file capabilities do not count. */ -}}
  {{- $_ := set $hardened.capabilities "add" (list "NET_RAW") -}}
  {{- $_ := set $hardened "runAsNonRoot" false -}}
  {{- $_ := set $hardened "runAsUser" 0 -}}
{{- end -}}
{{- toYaml (mergeOverwrite $hardened (.config.securityContext | default dict)) -}}
{{- end -}}

{{/* Image, security context and resources of a component's container; "image" is the dict for secapi.image. */}}
{{- define "secapi.container.basics" -}}
image: {{ include "secapi.image" .image }}
imagePullPolicy: {{ include "secapi.image.pullPolicy" .image }}
securityContext:
  {{- include "secapi.container.securityContext" . | nindent 2 }}
resources:
  {{- toYaml .config.resources | nindent 2 }}
{{- end -}}

{{/* Probes of a component that serves /healthz and /readyz on its port. */}}
{{- define "secapi.container.probes" -}}
{{- range $probe, $path := dict "startupProbe" "/healthz" "livenessProbe" "/healthz" "readinessProbe" "/readyz" }}
{{ $probe }}:
  httpGet:
    path: {{ $path }}
    port: http
  {{- toYaml (get $.config $probe) | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Mounts of a component's container that every one has, and those that the values add. */}}
{{- define "secapi.container.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- with .config.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Volumes for these mounts; with those of the migrations where they run as init container. */}}
{{- define "secapi.pod.volumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 1Gi}
{{- $extra := .config.extraVolumes | default list -}}
{{- if and (has .component (list "api" "operator")) (not (include "secapi.migrations.hook" .root)) -}}
  {{- $extra = concat $extra (.root.Values.migrations.extraVolumes | default list) | uniq -}}
{{- end -}}
{{- with $extra }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The port on which a component serves probes and metrics; the API its routes too. */}}
{{- define "secapi.port" -}}
{{- get (dict "api" 8080 "operator" 8081 "worker" 8082 "postgresql" 5432 "redis" 6379) .component -}}
{{- end -}}

{{- define "secapi.podDisruptionBudget.spec" -}}
{{- with .config.podDisruptionBudget -}}
{{- if toString .minAvailable -}}
minAvailable: {{ .minAvailable }}
{{- else -}}
maxUnavailable: {{ .maxUnavailable }}
{{- end }}
{{- end }}
selector:
  matchLabels:
    {{- include "secapi.selectorLabels" . | nindent 4 }}
{{- end -}}
