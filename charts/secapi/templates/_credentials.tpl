{{/*
Where credentials are: Secrets that exist, or the one that embedded mode makes. All but the first take the top-level
context and give a Secret's name and key.
*/}}

{{- define "secapi.credential" -}}
name: {{ .secret | default (printf "%s-embedded" (include "secapi.fullname" .root)) | quote }}
key: {{ empty .secret | ternary .generated .key | quote }}
{{- end -}}

{{- define "secapi.credential.database" -}}
{{- with .Values.externalDatabase -}}
{{- include "secapi.credential" (dict "root" $ "secret" .existingSecret "key" .urlKey "generated" "databaseUrl") -}}
{{- end -}}
{{- end -}}

{{- define "secapi.credential.apiDatabase" -}}
{{- with .Values.externalDatabase -}}
{{- $key := .apiUrlKey | default .urlKey -}}
{{- include "secapi.credential" (dict "root" $ "secret" .existingSecret "key" $key "generated" "apiDatabaseUrl") -}}
{{- end -}}
{{- end -}}

{{- define "secapi.credential.redis" -}}
{{- with .Values.externalRedis -}}
{{- include "secapi.credential" (dict "root" $ "secret" .existingSecret "key" .urlKey "generated" "redisUrl") -}}
{{- end -}}
{{- end -}}

{{- define "secapi.credential.pepper" -}}
{{- with .Values.apiKeys.pepper -}}
{{- include "secapi.credential" (dict "root" $ "secret" .existingSecret "key" .key "generated" "pepper") -}}
{{- end -}}
{{- end -}}

{{- define "secapi.credential.webhookKey" -}}
{{- with .Values.webhooks.key -}}
{{- include "secapi.credential" (dict "root" $ "secret" .existingSecret "key" .key "generated" "webhookKey") -}}
{{- end -}}
{{- end -}}

{{- define "secapi.credential.scaler" -}}
{{- with .Values.autoscaling.database -}}
{{- include "secapi.credential" (dict "root" $ "secret" .existingSecret "key" .key "generated" "scalerUrl") -}}
{{- end -}}
{{- end -}}
