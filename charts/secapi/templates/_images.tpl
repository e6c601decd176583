{{/* Which image a container runs. */}}

{{/*
Reference of an image of SecAPI's own. Takes a dict:
  root      the top-level context
  name      the image's name: api, operator, migrations, worker-<variant>
  settings  blocks of values with registry, repository, tag and digest, from the most to the least specific; image is last
A block that sets only a tag goes on top of the repository of the next one, but its tag is not overruled by a digest from
further out.
*/}}
{{- define "secapi.image" -}}
{{- $chosen := dict "tag" .root.Chart.AppVersion -}}
{{- range reverse (append .settings .root.Values.image) -}}
  {{- if .tag -}}{{- $_ := unset $chosen "digest" -}}{{- end -}}
  {{- range $key, $value := pick . "registry" "repository" "tag" "digest" -}}
    {{- if $value -}}{{- $_ := set $chosen $key $value -}}{{- end -}}
  {{- end -}}
{{- end -}}
{{- $_ := set $chosen "repository" (printf "%s/%s" $chosen.repository .name) -}}
{{- include "secapi.image.reference" (dict "root" .root "image" $chosen) -}}
{{- end -}}

{{/* Reference from one block with registry, repository, tag and digest. */}}
{{- define "secapi.image.reference" -}}
{{- $registry := .root.Values.global.imageRegistry | default .image.registry -}}
{{- with $registry }}{{ . }}/{{ end }}{{ .image.repository -}}
{{- if .image.digest }}@{{ .image.digest }}{{ else }}:{{ .image.tag }}{{ end -}}
{{- end -}}

{{/* The first pull policy that is set, of the same dict as for secapi.image. */}}
{{- define "secapi.image.pullPolicy" -}}
{{- range reverse (append .settings .root.Values.image) }}{{ with .pullPolicy }}{{ $_ := set $ "pullPolicy" . }}{{ end }}{{ end -}}
{{- .pullPolicy -}}
{{- end -}}
