{{/*
Rules of NetworkPolicies. Those that begin with "secapi.egress" are entries of "egress" and take the top-level context;
where the chart cannot know an address, networkPolicy.* narrows it.
*/}}

{{/* Selects the pods of a component of this release; takes a dict with "root" and "component". */}}
{{- define "secapi.peer" -}}
- podSelector:
    matchLabels:
      {{- include "secapi.selectorLabels" . | nindent 6 }}
{{- end -}}

{{/* One rule; takes a dict with "to", a list of peers, empty for anywhere, and "ports", numbers of TCP ports. */}}
{{- define "secapi.egress" -}}
{{- $ports := list -}}
{{- range .ports -}}{{- $ports = append $ports (dict "protocol" "TCP" "port" (int .)) -}}{{- end -}}
{{- $rule := dict "ports" $ports -}}
{{- with .to -}}{{- $_ := set $rule "to" . -}}{{- end -}}
{{- list $rule | toYaml -}}
{{- end -}}

{{/* The port of an http or https address. */}}
{{- define "secapi.port.of" -}}
{{- $url := urlParse . -}}
{{- $standard := eq $url.scheme "https" | ternary "443" "80" -}}
{{- regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default $standard -}}
{{- end -}}

{{- define "secapi.egress.dns" -}}
{{- with .Values.networkPolicy.dns -}}
{{- $ports := list -}}
{{- range .ports -}}
  {{- $ports = concat $ports (list (dict "protocol" "UDP" "port" (int .)) (dict "protocol" "TCP" "port" (int .))) -}}
{{- end -}}
{{- list (dict "to" .to "ports" $ports) | toYaml -}}
{{- end -}}
{{- end -}}

{{- define "secapi.egress.database" -}}
{{- $embedded := include "secapi.peer" (dict "root" . "component" "postgresql") | fromYamlArray -}}
{{- with .Values.networkPolicy.databaseEgress -}}
{{- include "secapi.egress" ($.Values.embedded.enabled | ternary (dict "to" $embedded "ports" (list 5432)) .) -}}
{{- end -}}
{{- end -}}

{{- define "secapi.egress.redis" -}}
{{- $embedded := include "secapi.peer" (dict "root" . "component" "redis") | fromYamlArray -}}
{{- with .Values.networkPolicy.redisEgress -}}
{{- include "secapi.egress" ($.Values.embedded.enabled | ternary (dict "to" $embedded "ports" (list 6379)) .) -}}
{{- end -}}
{{- end -}}

{{- define "secapi.egress.apiserver" -}}
{{- include "secapi.egress" .Values.networkPolicy.apiserverEgress -}}
{{- end -}}

{{/* Empty where uploads are on a volume. */}}
{{- define "secapi.egress.objectStore" -}}
{{- $public := include "secapi.peers.public" . | fromYamlArray -}}
{{- with .Values.networkPolicy.objectStoreEgress -}}
{{- if $.Values.artifacts.url -}}
{{- include "secapi.egress" (dict "to" (.to | default $public) "ports" .ports) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The OpenID provider is anywhere, on the port of its address, as are its keys. Empty without one. */}}
{{- define "secapi.egress.identityProvider" -}}
{{- with .Values.api.oidc.issuer -}}
{{- include "secapi.egress" (dict "ports" (list (include "secapi.port.of" .))) -}}
{{- end -}}
{{- end -}}

{{/* The trace collector is anywhere, on the port of its address; error tracking is on the internet. May be empty. */}}
{{- define "secapi.egress.telemetry" -}}
{{- $rules := list -}}
{{- if .Values.tracing.enabled -}}
  {{- $port := include "secapi.port.of" .Values.tracing.endpoint -}}
  {{- $rules = concat $rules (include "secapi.egress" (dict "ports" (list $port)) | fromYamlArray) -}}
{{- end -}}
{{- if .Values.errorTracking.existingSecret -}}
  {{- $public := include "secapi.peers.public" . | fromYamlArray -}}
  {{- $rules = concat $rules (include "secapi.egress" (dict "to" $public "ports" (list 443)) | fromYamlArray) -}}
{{- end -}}
{{- with $rules -}}{{- toYaml . -}}{{- end -}}
{{- end -}}

{{/* Peers: addresses of the internet, which is all but private and special ranges and the cluster's own. */}}
{{- define "secapi.peers.public" -}}
{{- $special := list
  "0.0.0.0/8" "10.0.0.0/8" "100.64.0.0/10" "127.0.0.0/8" "169.254.0.0/16" "172.16.0.0/12" "192.168.0.0/16" "198.18.0.0/15"
  "224.0.0.0/3" "::/8" "64:ff9b::/96" "fc00::/7" "fe80::/10" "ff00::/8"
-}}
{{- $ipv4 := list -}}{{- $ipv6 := list -}}
{{- range concat $special .Values.operator.deniedCidrs | uniq -}}
  {{- if contains ":" . -}}{{- $ipv6 = append $ipv6 . -}}{{- else -}}{{- $ipv4 = append $ipv4 . -}}{{- end -}}
{{- end -}}
- ipBlock:
    cidr: 0.0.0.0/0
    except: {{ toJson $ipv4 }}
- ipBlock:
    cidr: ::/0
    except: {{ toJson $ipv6 }}
{{- end -}}

{{/* Who may scrape the metrics of a component, as an entry of "ingress"; takes a component, see _names.tpl. */}}
{{- define "secapi.ingress.metrics" -}}
- ports:
    - {protocol: TCP, port: {{ include "secapi.port" . }}}
  {{- with .root.Values.networkPolicy.metricsFrom }}
  from:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
