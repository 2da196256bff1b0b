{{/*
The files that pods of these programs have, a list of {mount, volume}: dict root,
programs, config, types (of forges that a provider worker serves). Nobody gets a secret
that it does not need: forges' credentials are in provider pods alone.
*/}}
{{- define "lamplighter.files" -}}
- mount: {name: config, mountPath: /etc/lamplighter/config.yaml, subPath: {{ .config }}, readOnly: true}
  volume: {name: config, configMap: {name: {{ include "lamplighter.name" (dict "root" .root) }}}}
- mount: {name: tmp, mountPath: /tmp}
  volume: {name: tmp, emptyDir: {sizeLimit: 64Mi}}
{{- with .root.Values.telemetry.otlp }}
{{- if and .endpoint .existingSecret }}
{{ include "lamplighter.secretFiles" (dict "name" "otlp" "secret" .existingSecret "keys" .headers) }}
{{- end }}
{{- end }}
{{- if or (has "ingest" .programs) (has "dispatcher" .programs) (has "reposync" .programs) }}
{{ include "lamplighter.files.kafka" .root }}
{{- end }}
{{- if has "ingest" .programs }}
{{ include "lamplighter.files.ingest" .root }}
{{- end }}
{{- if and (eq .root.Values.flux.from "files") (or (has "dispatcher" .programs) (has "provider" .programs)) }}
{{ include "lamplighter.files.manifests" . }}
{{- end }}
{{- if has "provider" .programs }}
{{ include "lamplighter.files.connections" . }}
{{- end }}
{{- if or (has "dispatcher" .programs) (has "reposync" .programs) }}
{{ include "lamplighter.files.api" .root }}
{{- end }}
{{- if or (has "dispatcher" .programs) (has "provider" .programs) (has "reposync" .programs) (has "refresh" .programs) }}
{{- with include "lamplighter.workerTlsSecret" .root }}
{{ include "lamplighter.secretFiles" (dict "name" "provider-tls" "secret" . "keys" (list "tls.crt" "tls.key" "ca.crt")) }}
{{- end }}
{{- end }}
{{- if and (include "lamplighter.opensDatabase" .) (not (include "lamplighter.isTrial" .root)) }}
{{- $key := .root.Values.database.existingSecretKey }}
{{ include "lamplighter.secretFiles" (dict "name" "database" "secret" (include "lamplighter.databaseSecret" .root) "keys" (list (list $key "url"))) }}
{{- end }}
{{- if or (has "provider" .programs) (has "reposync" .programs) }}
{{- with include "lamplighter.sealSecret" .root }}
{{ include "lamplighter.secretFiles" (dict "name" "seal-key" "secret" . "keys" (list "keys")) }}
{{- end }}
{{- end }}
{{- end -}}

{{/*
Files of a Secret below /etc/lamplighter: dict name, secret, keys. A key is a name, or a
list of it and its file's name; without keys all are there.
*/}}
{{- define "lamplighter.secretFiles" -}}
- mount: {name: {{ .name }}, mountPath: /etc/lamplighter/{{ .path | default .name }}, readOnly: true}
  volume:
    name: {{ .name }}
    secret:
      secretName: {{ .secret }}
      defaultMode: 0440
      {{- with .keys }}
      items:
        {{- range . }}
        {{- $pair := ternary . (list . .) (kindIs "slice" .) }}
        - {key: {{ first $pair }}, path: {{ last $pair }}}
        {{- end }}
      {{- end }}
{{- end -}}

{{- define "lamplighter.files.kafka" -}}
{{- with .Values.kafka }}
{{- if and .tls.enabled .tls.existingSecret }}
{{- $keys := ternary (list "ca.crt" "tls.crt" "tls.key") (list "ca.crt") .tls.clientCertificate }}
{{ include "lamplighter.secretFiles" (dict "name" "kafka-tls" "secret" .tls.existingSecret "keys" $keys) }}
{{- end }}
{{- if .sasl.mechanism }}
{{ include "lamplighter.secretFiles" (dict "name" "kafka" "secret" (include "lamplighter.saslSecret" $) "keys" (list "password")) }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Proofs of senders, one file a source. */}}
{{- define "lamplighter.files.ingest" -}}
{{- $projected := list -}}
{{- range .Values.flux.sources -}}
{{- if ne .proof "none" -}}
{{- $projected = append $projected (dict "secret" .existingSecret "key" "token" "path" .name) -}}
{{- end -}}
{{- end -}}
{{- range include "lamplighter.accounts" . | fromYamlArray -}}
{{- if ne .source "azure-devops" -}}
{{- $projected = append $projected (dict "secret" .secret "key" "webhookSecret" "path" .name) -}}
{{- end -}}
{{- end -}}
{{- include "lamplighter.projected" (dict "name" "webhooks" "files" $projected) }}
{{- with .Values.ingest.tls }}
{{- if .existingSecret }}
{{- $keys := ternary (list "tls.crt" "tls.key" "ca.crt") (list "tls.crt" "tls.key") .clientCA }}
{{ include "lamplighter.secretFiles" (dict "name" "ingest-tls" "secret" .existingSecret "keys" $keys) }}
{{- end }}
{{- end }}
{{- end -}}

{{/* One folder of files of several Secrets: dict name, files (secret, key, path). */}}
{{- define "lamplighter.projected" -}}
{{- with .files }}
- mount: {name: {{ $.name }}, mountPath: /etc/lamplighter/{{ $.name }}, readOnly: true}
  volume:
    name: {{ $.name }}
    projected:
      defaultMode: 0440
      sources:
        {{- range . }}
        - secret: {name: {{ .secret }}, items: [{key: {{ .key }}, path: {{ .path }}}]}
        {{- end }}
{{- end }}
{{- end -}}

{{/* Flux objects, each volume a folder; Secrets for provider workers only. */}}
{{- define "lamplighter.files.manifests" -}}
{{- range $i, $name := prepend .root.Values.flux.configMaps (include "lamplighter.name" (dict "root" .root "name" "flux")) }}
- mount: {name: flux-{{ $i }}, mountPath: /etc/lamplighter/manifests/{{ $name }}, readOnly: true}
  volume: {name: flux-{{ $i }}, configMap: {name: {{ $name }}}}
{{- end }}
{{- if has "provider" .programs }}
{{- $secrets := .root.Values.flux.existingSecrets -}}
{{- if .root.Values.flux.secrets }}
{{- $secrets = prepend $secrets (include "lamplighter.name" (dict "root" .root "name" "flux-secrets")) }}
{{- end }}
{{- range $i, $name := $secrets }}
{{ include "lamplighter.secretFiles" (dict "name" (printf "flux-secret-%d" $i) "path" (printf "manifests/secrets/%s" $name) "secret" $name) }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "lamplighter.files.connections" -}}
{{- range include "lamplighter.connected" (pick . "root" "types") | fromYamlArray }}
{{ include "lamplighter.secretFiles" (dict "name" (printf "connection-%s" .name) "path" (printf "connections/%s" .name) "secret" .secret) }}
{{- end }}
{{- end -}}

{{/* Tokens of the API's clients, and its certificate. */}}
{{- define "lamplighter.files.api" -}}
{{- $tokens := list -}}
{{- range include "lamplighter.clients" . | fromYamlArray -}}
{{- $tokens = append $tokens (dict "secret" .existingSecret "key" .key "path" .name) -}}
{{- end -}}
{{- include "lamplighter.projected" (dict "name" "clients" "files" $tokens) }}
{{- if and $tokens .Values.api.tls.existingSecret }}
{{ include "lamplighter.secretFiles" (dict "name" "api-tls" "secret" .Values.api.tls.existingSecret "keys" (list "tls.crt" "tls.key")) }}
{{- end }}
{{- end -}}
