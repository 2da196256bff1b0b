{{/*
The accounts on forges: what is enabled of gitProviders, and connections. Each has
name, type (of the provider worker), source (type at ingest), secret (its Secret),
address (empty: it only takes webhooks), webhookUrl, manageWebhooks, redeliverFailed.
*/}}
{{- define "lamplighter.accounts" -}}
{{- $root := . -}}
{{- $accounts := list -}}
{{- range $key, $names := include "lamplighter.forges" . | fromYaml -}}
{{- $values := index $root.Values.gitProviders $key -}}
{{- if $values.enabled -}}
{{- $secret := default (include "lamplighter.name" (dict "root" $root "name" $names.name)) $values.existingSecret -}}
{{- $accounts = append $accounts (mergeOverwrite (deepCopy $values) $names (dict
      "secret" $secret
      "address" (include "lamplighter.accountAddress" $values)
      "path" $names.source)) -}}
{{- end -}}
{{- end -}}
{{- range .Values.connections -}}
{{- $source := index (include "lamplighter.sourceTypes" $root | fromYaml) .type -}}
{{- $accounts = append $accounts (mergeOverwrite (dict "manageWebhooks" true) . (dict
      "secret" .existingSecret
      "source" $source
      "path" (printf "%s/%s" $source .name))) -}}
{{- end -}}
{{- range $accounts -}}
{{- $_ := set . "webhookUrl" (include "lamplighter.webhookUrl" (dict "root" $root "account" .)) }}
- {{ pick . "name" "type" "source" "secret" "address" "webhookUrl" "manageWebhooks" "redeliverFailed" | toJson }}
{{- end -}}
{{- end -}}

{{/* By key of gitProviders: the name, and the types in docs/configuration.md. */}}
{{- define "lamplighter.forges" -}}
github: {name: github, type: github, source: github}
gitlab: {name: gitlab, type: gitlab, source: gitlab}
bitbucket: {name: bitbucket, type: bitbucketserver, source: bitbucketserver}
bitbucketCloud: {name: bitbucket-cloud, type: bitbucket, source: bitbucket}
azureDevOps: {name: azure-devops, type: azuredevops, source: azure-devops}
gitea: {name: gitea, type: gitea, source: gitea}
{{- end -}}

{{/* By type of the provider worker: the type at ingest. */}}
{{- define "lamplighter.sourceTypes" -}}
{{- range include "lamplighter.forges" . | fromYaml }}
{{ .type }}: {{ .source }}
{{- end }}
{{- end -}}

{{/* The address of a forge of gitProviders that has a credential; else nothing. */}}
{{- define "lamplighter.accountAddress" -}}
{{- if or .existingSecret .token .privateKey -}}
{{- .organizationUrl | default .address -}}
{{- end -}}
{{- end -}}

{{/* Where an account's webhooks lead to; nothing where that is not known. */}}
{{- define "lamplighter.webhookUrl" -}}
{{- if .account.webhookUrl -}}
{{- .account.webhookUrl -}}
{{- else -}}
{{- with include "lamplighter.publicUrl" .root }}{{ . }}/api/events-handler/v1/events/{{ $.account.path }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* The accounts that a worker connects to: dict root, types (none: all). */}}
{{- define "lamplighter.connected" -}}
{{- $types := .types -}}
{{- range include "lamplighter.accounts" .root | fromYamlArray -}}
{{- if and .address (or (not $types) (has .type $types)) }}
- {{ toJson . }}
{{- end -}}
{{- end -}}
{{- end -}}
