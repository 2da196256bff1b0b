{{/* What is wrong with the values, a list of sentences: what the schema cannot tell. */}}
{{- define "lamplighter.problems" -}}
{{- $problems := concat
      (include "lamplighter.problems.forges" . | fromYamlArray)
      (include "lamplighter.problems.sources" . | fromYamlArray)
      (include "lamplighter.problems.backends" . | fromYamlArray)
      (include "lamplighter.problems.routes" . | fromYamlArray) -}}
{{- toYaml $problems -}}
{{- end -}}

{{- define "lamplighter.problems.forges" -}}
{{- range $key, $forge := .Values.gitProviders }}
{{- if and $forge.enabled (not $forge.existingSecret) }}
{{- range ternary (list "webhookBasicAuthUser" "webhookBasicAuthPass") (list "webhookSecret") (eq $key "azureDevOps") }}
{{- if not (get $forge .) }}
- "gitProviders.{{ $key }}.{{ . }}: must be set, or existingSecret, as deliveries prove themselves with it"
{{- end }}
{{- end }}
{{- end }}
{{- $address := ternary "organizationUrl" "address" (eq $key "azureDevOps") }}
{{- if and $forge.enabled $forge.token (not (get $forge $address)) }}
- "gitProviders.{{ $key }}.{{ $address }}: must be set, to know whose token that is"
{{- end }}
{{- end }}
{{- with .Values.gitProviders.github }}
{{- if and .enabled (not .existingSecret) (ne (empty .appId) (empty .privateKey)) }}
- "gitProviders.github: appId and privateKey go together"
{{- end }}
{{- end }}
{{- end -}}

{{- define "lamplighter.problems.sources" -}}
{{- range include "lamplighter.connected" (dict "root" .) | fromYamlArray }}
{{- if and .redeliverFailed (not (has .type (list "github" "gitlab"))) }}
- "{{ .name }}: redeliverFailed is for github and gitlab, as other forges have no API for it"
{{- else if and .redeliverFailed (not .webhookUrl) }}
- "{{ .name }}: redeliverFailed needs publicUrl or webhookUrl, to know which deliveries"
{{- end }}
{{- end }}
{{- range .Values.api.clients }}
{{- if eq .name "admin" }}
- "api.clients: admin is the one of api.admin: call this one otherwise"
{{- end }}
{{- end }}
{{- range .Values.flux.sources }}
{{- if and (ne .proof "none") (not .existingSecret) }}
- "flux.sources: {{ .name }} needs existingSecret, whose key token is its proof"
{{- end }}
{{- end }}
{{- $accounts := include "lamplighter.accounts" . | fromYamlArray -}}
{{- $names := list -}}
{{- range concat .Values.flux.sources $accounts .Values.ingest.extraSources }}
{{- if has .name $names }}
- "{{ .name }} is the name of two sources: give one of flux.sources, gitProviders, connections and ingest.extraSources another"
{{- end }}
{{- $names = append $names .name }}
{{- end }}
{{- $short := list -}}
{{- range $key, $forge := include "lamplighter.forges" . | fromYaml -}}
{{- $values := index $.Values.gitProviders $key -}}
{{- if and $values.enabled (not $values.webhookUrl) }}{{ $short = append $short $forge.source }}{{ end -}}
{{- end -}}
{{- range concat .Values.connections .Values.ingest.extraSources }}
{{- $source := index (include "lamplighter.sourceTypes" $ | fromYaml) .type | default .type }}
{{- if has $source $short }}
- "{{ .name }} is a second source of type {{ $source }}, so .../events/{{ $source }} is nobody's: set webhookUrl of the one in gitProviders to .../events/{{ $source }}/NAME, and the forge's own webhooks"
{{- end }}
{{- end }}
{{- end -}}

{{- define "lamplighter.problems.backends" -}}
{{- $isTrial := include "lamplighter.isTrial" . }}
{{- if and .Values.reposync.enabled (not $isTrial) (not (or .Values.database.url .Values.database.existingSecret)) }}
- "database: reposync needs one beside Kafka: set database.existingSecret (or url), or reposync.enabled: false"
{{- end }}
{{- if and .Values.database.url (not (regexMatch "^postgres(ql)?://" .Values.database.url)) }}
- "database.url: must begin with postgresql://, as pods share no file; without Kafka, a trial keeps the catalog in one by itself"
{{- end }}
{{- if and $isTrial (or .Values.defaults.autoscaling.enabled (.Values.trial.autoscaling | default dict).enabled) }}
- "defaults.autoscaling: a trial is one pod: set kafka.bootstrapServers"
{{- end }}
{{- if and $isTrial .Values.provider.workers }}
- "provider.workers: a trial has one worker, in its pod: set kafka.bootstrapServers"
{{- end }}
{{- with .Values.kafka }}
{{- if and .sasl.mechanism (not (and .sasl.username (or .sasl.password .sasl.existingSecret))) }}
- "kafka.sasl: a mechanism needs a username, and a password or existingSecret"
{{- end }}
{{- if and .tls.clientCertificate (not .tls.existingSecret) }}
- "kafka.tls.clientCertificate: needs existingSecret"
{{- end }}
{{- end }}
{{- with .Values.provider.tls }}
{{- if and .clientNames (not .existingSecret) }}
- "provider.tls.clientNames: needs existingSecret, as the names are those of certificates"
{{- end }}
{{- end }}
{{- $served := list }}
{{- range $name, $worker := .Values.provider.workers }}
{{- range $worker.types }}
{{- if has . $served }}
- "provider.workers.{{ $name }}.types: {{ . }} is another worker's already"
{{- end }}
{{- $served = append $served . }}
{{- end }}
{{- end }}
{{- if and .Values.dispatcher.keda.enabled (.Values.dispatcher.autoscaling | default dict).enabled }}
- "dispatcher: keda and autoscaling would both set the replicas"
{{- end }}
{{- end -}}

{{- define "lamplighter.problems.routes" -}}
{{- $routed := or .Values.ingress.enabled .Values.gateway.enabled }}
{{- if and $routed (not (include "lamplighter.eventPaths" . | fromYamlArray)) }}
- "ingress, gateway: there is nothing to route: enable a forge, or give all flux.sources a proof"
{{- end }}
{{- $type := .Values.ingest.service.type | default .Values.defaults.service.type }}
{{- if and (ne $type "ClusterIP") (include "lamplighter.unproven" .) }}
- "ingest.service.type: {{ $type }} lets anybody send Flux events: give all flux.sources a proof"
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
- "ingress.hosts: must not be empty"
{{- end }}
{{- if and .Values.gateway.enabled (not .Values.gateway.parentRefs) }}
- "gateway.parentRefs: must not be empty"
{{- end }}
{{- if and .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled }}
- "metrics: serviceMonitor and podMonitor would both read each pod: enable one"
{{- end }}
{{- if and .Values.metrics.prometheusRule.enabled (not (.Files.Get "files/alerts.yaml")) }}
- "metrics.prometheusRule: this chart was packed without files/alerts.yaml"
{{- end }}
{{- end -}}
