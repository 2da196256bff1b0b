{{/*
The configuration file, as docs/configuration.md has it. A section's `config` value
goes before what the chart says.
*/}}

{{- define "lamplighter.config" -}}
kafka:
  {{- include "lamplighter.config.kafka" . | nindent 2 }}
telemetry:
  {{- include "lamplighter.config.telemetry" . | nindent 2 }}
ingest:
  {{- include "lamplighter.config.ingest" . | nindent 2 }}
dispatcher:
  {{- include "lamplighter.config.dispatcher" . | nindent 2 }}
provider:
  {{- include "lamplighter.config.provider" (dict "root" . "types" (include "lamplighter.commonTypes" . | fromYamlArray)) | nindent 2 }}
{{- if .Values.reposync.enabled }}
reposync:
  {{- include "lamplighter.config.reposync" . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* YAML with more laid over it: dict yaml, over. */}}
{{- define "lamplighter.overlay" -}}
{{- mergeOverwrite (fromYaml .yaml) (deepCopy .over) | toYaml -}}
{{- end -}}

{{- define "lamplighter.config.kafka" -}}
{{- include "lamplighter.overlay" (dict "yaml" (include "lamplighter.config.kafka.own" .) "over" .Values.kafka.config) -}}
{{- end -}}

{{- define "lamplighter.config.kafka.own" -}}
{{- with .Values.kafka -}}
bootstrap_servers: {{ default "embedded" .bootstrapServers | quote }}
create_topics: {{ .topics.create }}
partitions: {{ .topics.partitions }}
{{- with .topics.replicationFactor }}
replication_factor: {{ . }}
{{- end }}
{{- if and .tls.enabled (not .tls.existingSecret) }}
tls: {}
{{- else if .tls.enabled }}
tls:
  ca_file: /etc/lamplighter/kafka-tls/ca.crt
  {{- if .tls.clientCertificate }}
  cert_file: /etc/lamplighter/kafka-tls/tls.crt
  key_file: /etc/lamplighter/kafka-tls/tls.key
  {{- end }}
{{- end }}
{{- if .sasl.mechanism }}
sasl:
  mechanism: {{ .sasl.mechanism }}
  username: {{ .sasl.username | quote }}
  password_file: /etc/lamplighter/kafka/password
{{- end }}
{{- end }}
{{- end -}}

{{- define "lamplighter.config.telemetry" -}}
{{- include "lamplighter.overlay" (dict "yaml" (include "lamplighter.config.telemetry.own" .) "over" .Values.telemetry.config) -}}
{{- end -}}

{{- define "lamplighter.config.telemetry.own" -}}
{{- with .Values.telemetry -}}
log_format: {{ .logFormat }}
log_level: {{ .logLevel }}
{{- if .otlp.endpoint }}
otlp_endpoint: {{ .otlp.endpoint | quote }}
trace_sample_ratio: {{ .otlp.sampleRatio }}
{{- with .otlp.headers }}
otlp_header_files:
  {{- range . }}
  {{ . }}: /etc/lamplighter/otlp/{{ . }}
  {{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "lamplighter.config.ingest" -}}
{{- include "lamplighter.overlay" (dict "yaml" (include "lamplighter.config.ingest.own" .) "over" .Values.ingest.config) -}}
{{- end -}}

{{- define "lamplighter.config.ingest.own" -}}
listen: {{ printf "%s:8080" .Values.listenAddress | quote }}
admin_listen: {{ printf "%s:9090" .Values.listenAddress | quote }}
{{- with .Values.ingest }}
{{- if .tls.existingSecret }}
tls:
  cert_file: /etc/lamplighter/ingest-tls/tls.crt
  key_file: /etc/lamplighter/ingest-tls/tls.key
  {{- if .tls.clientCA }}
  client_ca_file: /etc/lamplighter/ingest-tls/ca.crt
  {{- end }}
{{- end }}
{{- if .spool.enabled }}
spool:
  path: /var/lib/lamplighter/spool.db
  max_bytes: {{ .spool.maxBytes }}
{{- end }}
{{- end }}
sources:
  {{- include "lamplighter.config.sources" . | nindent 2 }}
{{- end -}}

{{- define "lamplighter.config.sources" -}}
{{- range .Values.flux.sources }}
{{- $name := .name }}
- name: {{ $name }}
  type: flux
  {{- with get (include "lamplighter.fluxProofs" $ | fromYaml) .proof }}
  {{ . }}: /etc/lamplighter/webhooks/{{ $name }}
  {{- end }}
{{- end }}
{{- range include "lamplighter.accounts" . | fromYamlArray }}
- name: {{ .name }}
  type: {{ .source }}
  {{- if eq .source "azure-devops" }}
  basic_auth_env: {{ include "lamplighter.basicAuthEnv" .name }}
  {{- else }}
  secret_files: [/etc/lamplighter/webhooks/{{ .name }}]
  {{- end }}
  {{- if and (eq .source "bitbucketserver") .address }}
  address: {{ .address | quote }}
  {{- end }}
{{- end }}
{{- with .Values.ingest.extraSources }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* By proof of a Flux source: the key that names its file. */}}
{{- define "lamplighter.fluxProofs" -}}
hmac: hmac_secret_file
bearer: bearer_token_file
path: path_token_file
{{- end -}}

{{/* The variable that has "user:password" of an account, which its Secret has in two keys. */}}
{{- define "lamplighter.basicAuthEnv" -}}
BASIC_AUTH_{{ . | upper | replace "-" "_" }}
{{- end -}}

{{- define "lamplighter.config.dispatcher" -}}
{{- include "lamplighter.overlay" (dict "yaml" (include "lamplighter.config.dispatcher.own" .) "over" .Values.dispatcher.config) -}}
{{- end -}}

{{- define "lamplighter.config.dispatcher.own" -}}
admin_listen: {{ printf "%s:9090" .Values.listenAddress | quote }}
manifests:
  {{- include "lamplighter.config.manifests" . | nindent 2 }}
providers:
  {{- include "lamplighter.config.workers" . | nindent 2 }}
{{- with include "lamplighter.config.workersTls" . }}
providers_tls:
  {{- . | nindent 2 }}
{{- end }}
{{- with include "lamplighter.config.server" (dict "root" . "port" 50053 "scopes" "^([*]|statuses:.*|dead-letters:.*)$") }}
status_service:
  {{- . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "lamplighter.config.manifests" -}}
{{- if eq .Values.flux.from "cluster" -}}
kubernetes:
  namespaces: {{ toJson .Values.flux.cluster.namespaces }}
{{- else -}}
directory: /etc/lamplighter/manifests
{{- end -}}
{{- end -}}

{{/* Addresses of provider workers, by type, as those in the same pod have them. */}}
{{- define "lamplighter.config.workers" -}}
{{- if include "lamplighter.isTrial" . -}}
default: 127.0.0.1:50051
{{- else -}}
{{- include "lamplighter.config.workerServices" . -}}
{{- end -}}
{{- end -}}

{{/* Addresses of provider workers, by type. */}}
{{- define "lamplighter.config.workerServices" -}}
{{- $root := . -}}
{{- $at := "dns:///%s.%s.svc:50051" -}}
default: {{ printf $at (include "lamplighter.name" (dict "root" . "name" "provider")) .Release.Namespace }}
{{- range $name, $worker := .Values.provider.workers -}}
{{- $service := include "lamplighter.name" (dict "root" $root "name" (printf "provider-%s" $name)) -}}
{{- range $worker.types }}
{{ . }}: {{ printf $at $service $root.Release.Namespace }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The certificate to show to provider workers, and the authority of theirs; or nothing. */}}
{{- define "lamplighter.config.workersTls" -}}
{{- if include "lamplighter.workerTlsSecret" . -}}
ca_file: /etc/lamplighter/provider-tls/ca.crt
cert_file: /etc/lamplighter/provider-tls/tls.crt
key_file: /etc/lamplighter/provider-tls/tls.key
{{- end -}}
{{- end -}}

{{/* Hosts in all addresses of provider workers, a list: the names that their certificate needs. */}}
{{- define "lamplighter.workerHosts" -}}
{{- $hosts := list -}}
{{- range $addresses := list "workerServices" "workers" -}}
{{- range include (printf "lamplighter.config.%s" $addresses) $ | fromYaml -}}
{{- $hosts = append $hosts (. | trimPrefix "dns:///" | trimSuffix ":50051") -}}
{{- end -}}
{{- end -}}
{{- $hosts | uniq | sortAlpha | toYaml -}}
{{- end -}}

{{/*
A gRPC server for those of the API's clients that have a scope of it, or nothing where
there are none: dict root, port, scopes (what it knows, as an expression).
*/}}
{{- define "lamplighter.config.server" -}}
{{- with include "lamplighter.config.clients" . -}}
listen: {{ printf "%s:%v" $.root.Values.listenAddress $.port | quote }}
{{- if $.root.Values.api.tls.existingSecret }}
tls:
  cert_file: /etc/lamplighter/api-tls/tls.crt
  key_file: /etc/lamplighter/api-tls/tls.key
{{- else }}
allow_plaintext: true
{{- end }}
clients:
  {{- . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "lamplighter.config.clients" -}}
{{- $scopes := .scopes -}}
{{- range include "lamplighter.clients" .root | fromYamlArray -}}
{{- $known := list -}}
{{- range .scopes -}}
{{- if regexMatch $scopes . }}{{ $known = append $known . }}{{ end -}}
{{- end -}}
{{- if $known }}
- name: {{ .name }}
  scopes: {{ toJson $known }}
  token_files: [/etc/lamplighter/clients/{{ .name }}]
{{- end }}
{{- end }}
{{- end -}}

{{/* Who may call the API: name, scopes, existingSecret, key. */}}
{{- define "lamplighter.clients" -}}
{{- with include "lamplighter.adminSecret" . }}
- name: admin
  scopes: ["*"]
  existingSecret: {{ . }}
  key: {{ ternary $.Values.api.admin.existingSecretKey "token" (not (empty $.Values.api.admin.existingSecret)) }}
{{- end }}
{{- if .Values.api.enabled }}
{{- range .Values.api.clients }}
- {{ mergeOverwrite (dict "key" "token") . | toJson }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A worker's section: dict root, types (none: all). */}}
{{- define "lamplighter.config.provider" -}}
{{- include "lamplighter.overlay" (dict "yaml" (include "lamplighter.config.provider.own" .) "over" .root.Values.provider.config) -}}
{{- end -}}

{{- define "lamplighter.config.provider.own" -}}
{{- $root := .root -}}
{{- if not (include "lamplighter.exposesWorkers" $root) -}}
listen: 127.0.0.1:50051
{{- else -}}
listen: {{ printf "%s:50051" $root.Values.listenAddress | quote }}
{{- if include "lamplighter.workerTlsSecret" $root }}
tls:
  cert_file: /etc/lamplighter/provider-tls/tls.crt
  key_file: /etc/lamplighter/provider-tls/tls.key
  client_ca_file: /etc/lamplighter/provider-tls/ca.crt
{{- with $root.Values.provider.tls.clientNames }}
client_names: {{ toJson . }}
{{- end }}
{{- else }}
{{- /* For those whom the NetworkPolicy lets in. */}}
allow_plaintext: true
{{- end }}
{{- end }}
admin_listen: {{ printf "%s:9090" $root.Values.listenAddress | quote }}
{{- with .types }}
types: {{ toJson . }}
{{- end }}
manifests:
  {{- include "lamplighter.config.manifests" $root | nindent 2 }}
{{- if include "lamplighter.sealSecret" $root }}
seal_key_file: /etc/lamplighter/seal-key/keys
{{- end }}
{{- with include "lamplighter.connected" . | fromYamlArray }}
connections:
  {{- range . }}
  - name: {{ .name }}
    type: {{ .type }}
    address: {{ .address | quote }}
    secret_directory: /etc/lamplighter/connections/{{ .name }}
    {{- with .webhookUrl }}
    webhook_url: {{ . | quote }}
    {{- end }}
    {{- if .redeliverFailed }}
    redeliver_failed: true
    {{- end }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Types that no worker of its own has; none where all are the common workers'. */}}
{{- define "lamplighter.commonTypes" -}}
{{- if .Values.provider.workers -}}
{{- $types := keys (include "lamplighter.sourceTypes" . | fromYaml) | sortAlpha -}}
{{- range .Values.provider.workers -}}
{{- range .types }}{{ $types = without $types . }}{{ end -}}
{{- end -}}
{{- toYaml $types -}}
{{- end -}}
{{- end -}}

{{- define "lamplighter.config.reposync" -}}
{{- include "lamplighter.overlay" (dict "yaml" (include "lamplighter.config.reposync.own" .) "over" .Values.reposync.config) -}}
{{- end -}}

{{- define "lamplighter.config.reposync.own" -}}
admin_listen: {{ printf "%s:9090" .Values.listenAddress | quote }}
{{- if include "lamplighter.isTrial" . }}
database: sqlite:///var/lib/lamplighter/catalog.db
{{- else }}
database_file: /etc/lamplighter/database/url
{{- end }}
providers:
  {{- include "lamplighter.config.workers" . | nindent 2 }}
{{- with include "lamplighter.config.workersTls" . }}
providers_tls:
  {{- . | nindent 2 }}
{{- end }}
{{- if include "lamplighter.hasRefresh" . }}
{{- /* New connections at once, and all when the CronJob did not come. */}}
refresh_interval: 36h
{{- end }}
{{- if include "lamplighter.sealSecret" . }}
seal_key_file: /etc/lamplighter/seal-key/keys
{{- end }}
{{- $unmanaged := list -}}
{{- range include "lamplighter.connected" (dict "root" .) | fromYamlArray -}}
{{- if not .manageWebhooks }}{{ $unmanaged = append $unmanaged .name }}{{ end -}}
{{- end }}
{{- with $unmanaged }}
unmanaged_hooks: {{ toJson . }}
{{- end }}
{{- with include "lamplighter.config.server" (dict "root" . "port" 50052 "scopes" "^([*]|catalog:.*|connections:.*|hooks:.*)$") }}
catalog_service:
  {{- . | nindent 2 }}
{{- if $.Values.api.json }}
json_listen: {{ printf "%s:8081" $.Values.listenAddress | quote }}
{{- end }}
{{- end }}
{{- end -}}
