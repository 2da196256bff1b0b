{{/*
A pod's template: dict root, workload, settings; and for a Job command, restartPolicy.
*/}}
{{- define "lamplighter.podTemplate" -}}
metadata:
  labels:
    {{- /* Without the chart's version, which would replace all pods with each one. */}}
    {{- $labels := include "lamplighter.selector" (dict "root" .root "component" .workload.name) | fromYaml }}
    {{- merge $labels .settings.podLabels .root.Values.commonLabels | toYaml | nindent 4 }}
  annotations:
    {{- include "lamplighter.checksums" . | nindent 4 }}
    {{- with .settings.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- with include "lamplighter.pullSecrets" .root }}
  {{- . | nindent 2 }}
  {{- end }}
  serviceAccountName: {{ include "lamplighter.serviceAccount" (dict "root" .root "name" (.workload.account | default .workload.name) "settings" .settings) }}
  automountServiceAccountToken: {{ include "lamplighter.readsCluster" (dict "root" .root "programs" .workload.programs) | not | not }}
  enableServiceLinks: false
  securityContext:
    {{- toYaml .settings.podSecurityContext | nindent 4 }}
  terminationGracePeriodSeconds: {{ int64 .settings.terminationGracePeriodSeconds }}
  {{- with .restartPolicy }}
  restartPolicy: {{ . }}
  {{- end }}
  {{- include "lamplighter.placement" . | nindent 2 }}
  {{- $beside := .settings.extraContainers }}
  {{- if and .command $beside }}
  # Sidecars: other containers that stay would keep a Job from ending.
  initContainers:
    {{- range $beside }}
    - {{ merge (dict "restartPolicy" "Always") . | toJson }}
    {{- end }}
    {{- $beside = list }}
  {{- end }}
  containers:
    {{- include "lamplighter.container" . | nindent 4 }}
    {{- with $beside }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    {{- range include "lamplighter.podFiles" . | fromYamlArray }}
    {{- with .volume }}
    - {{ toJson . }}
    {{- end }}
    {{- end }}
    {{- with .settings.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{- define "lamplighter.container" -}}
- name: {{ .workload.name | splitList "-" | first }}
  image: {{ include "lamplighter.image" (dict "root" .root "image" .root.Values.image) | quote }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  command: {{ .command | default (include "lamplighter.command" .workload | fromJsonArray) | toJson }}
  securityContext:
    {{- toYaml .settings.securityContext | nindent 4 }}
  {{- with include "lamplighter.env" . }}
  env:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with .settings.extraEnvFrom }}
  envFrom:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if not .command }}
  {{- include "lamplighter.serving" . | nindent 2 }}
  {{- end }}
  resources:
    {{- toYaml .settings.resources | nindent 4 }}
  volumeMounts:
    {{- range include "lamplighter.podFiles" . | fromYamlArray }}
    - {{ toJson .mount }}
    {{- end }}
    {{- with .settings.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{- define "lamplighter.command" -}}
{{- if eq .name "trial" -}}
["/usr/local/bin/lamplighter", "--config", "/etc/lamplighter/config.yaml"]
{{- else if eq .name "reposync" -}}
["/usr/local/bin/reposync", "serve", "--config", "/etc/lamplighter/config.yaml"]
{{- else -}}
["/usr/local/bin/{{ first .programs }}", "--config", "/etc/lamplighter/config.yaml"]
{{- end -}}
{{- end -}}

{{/* What a container that serves has: ports, probes, a delay before its stop. */}}
{{- define "lamplighter.serving" -}}
ports:
  {{- range .workload.ports }}
  - {name: {{ .name }}, containerPort: {{ .port }}}
  {{- end }}
{{- $live := dict "httpGet" (dict "path" "/livez" "port" "admin") -}}
{{- $ready := dict "httpGet" (dict "path" "/readyz" "port" "admin") "periodSeconds" 5 -}}
{{- /* Kubelet's gRPC probe has neither TLS nor a certificate to show. */ -}}
{{- if and (deepEqual .workload.programs (list "provider")) (not (include "lamplighter.workerTlsSecret" .root)) -}}
{{- $ready = dict "grpc" (dict "port" 50051 "service" "lamplighter.v1.ProviderService") "periodSeconds" 5 -}}
{{- end }}
startupProbe:
  {{- mergeOverwrite (deepCopy $live) (dict "periodSeconds" 2 "failureThreshold" 60) .settings.startupProbe | toYaml | nindent 2 }}
livenessProbe:
  {{- mergeOverwrite (deepCopy $live) (dict "periodSeconds" 10 "timeoutSeconds" 5 "failureThreshold" 6) .settings.livenessProbe | toYaml | nindent 2 }}
readinessProbe:
  {{- mergeOverwrite $ready .settings.readinessProbe | toYaml | nindent 2 }}
{{- with .settings.preStopSeconds }}
lifecycle:
  preStop:
    sleep: {seconds: {{ . }}}
{{- end }}
{{- end -}}

{{/* Variables: user and password of Azure DevOps, which ingest wants as one; extraEnv. */}}
{{- define "lamplighter.env" -}}
{{- if has "ingest" .workload.programs }}
{{- range include "lamplighter.accounts" .root | fromYamlArray }}
{{- if eq .source "azure-devops" }}
{{- $variable := include "lamplighter.basicAuthEnv" .name }}
- {name: {{ $variable }}_USER, valueFrom: {secretKeyRef: {name: {{ .secret }}, key: webhookBasicAuthUser}}}
- {name: {{ $variable }}_PASS, valueFrom: {secretKeyRef: {name: {{ .secret }}, key: webhookBasicAuthPass}}}
- {name: {{ $variable }}, value: "$({{ $variable }}_USER):$({{ $variable }}_PASS)"}
{{- end }}
{{- end }}
{{- end }}
{{- with .settings.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* lamplighter.files, and where the workload keeps data. */}}
{{- define "lamplighter.podFiles" -}}
{{- include "lamplighter.files" (dict "root" .root "programs" .workload.programs "config" .workload.config "types" .workload.types) }}
{{- if and (include "lamplighter.isTrial" .root) (include "lamplighter.opensDatabase" .workload) }}
{{- $kept := .root.Values.trial.persistence }}
{{- $claim := $kept.existingClaim | default (include "lamplighter.name" (dict "root" .root "name" "data")) }}
{{- $source := ternary (dict "persistentVolumeClaim" (dict "claimName" $claim)) (dict "emptyDir" dict) $kept.enabled }}
- mount: {name: data, mountPath: /var/lib/lamplighter}
  volume: {{ merge (dict "name" "data") $source | toJson }}
{{- else if (.settings.spool | default dict).enabled }}
- mount: {name: data, mountPath: /var/lib/lamplighter}
{{- end }}
{{- end -}}

{{/* Where pods run: spread over zones and nodes, unless the values say otherwise. */}}
{{- define "lamplighter.placement" -}}
{{- $selector := include "lamplighter.selector" (dict "root" .root "component" .workload.name) | fromYaml -}}
topologySpreadConstraints:
  {{- with .settings.topologySpreadConstraints }}
  {{- toYaml . | nindent 2 }}
  {{- else }}
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{ toJson $selector }}
  {{- end }}
  {{- end }}
{{- range $key := list "nodeSelector" "tolerations" "affinity" "priorityClassName" }}
{{- with index $.settings $key }}
{{ dict $key . | toYaml }}
{{- end }}
{{- end }}
{{- end -}}

{{/*
What a program reads once, at its start: a change of it replaces the pods. Forges'
credentials and Flux objects are read again, and need no new pods.
*/}}
{{- define "lamplighter.checksums" -}}
{{- $config := include "lamplighter.configFile" . | fromYaml -}}
{{- $sections := dict "kafka" $config.kafka "telemetry" $config.telemetry -}}
{{- range .workload.programs }}{{ $_ := set $sections . (index $config .) }}{{ end -}}
checksum/config: {{ toJson $sections | sha256sum }}
{{- if has "ingest" .workload.programs }}
checksum/webhook-secrets: {{ include "lamplighter.webhookSecrets" .root | sha256sum }}
{{- end }}
{{- end -}}

{{/* The configuration file of a workload. */}}
{{- define "lamplighter.configFile" -}}
{{- $config := include "lamplighter.config" .root | fromYaml -}}
{{- if and (has "provider" .workload.programs) (ne .workload.config "config.yaml") -}}
{{- $section := include "lamplighter.config.provider" (dict "root" .root "types" .workload.types) | fromYaml -}}
{{- dict "telemetry" $config.telemetry "provider" $section | toYaml -}}
{{- else if eq .workload.name "refresh" -}}
{{- /* It serves nobody, and so needs nobody's tokens; nor Kafka, nor keys. */}}
{{- $section := omit $config.reposync "admin_listen" "catalog_service" "json_listen" "seal_key_file" -}}
{{- if include "lamplighter.isTrial" .root -}}
{{- $_ := set $section "providers" (include "lamplighter.config.workerServices" .root | fromYaml) -}}
{{- end -}}
{{- dict "telemetry" $config.telemetry "reposync" $section | toYaml -}}
{{- else -}}
{{- toYaml $config -}}
{{- end -}}
{{- end -}}

{{/* The webhook secrets that the values hold. */}}
{{- define "lamplighter.webhookSecrets" -}}
{{- $secrets := dict -}}
{{- range $key, $forge := .Values.gitProviders -}}
{{- $_ := set $secrets $key (pick $forge "webhookSecret" "webhookBasicAuthUser" "webhookBasicAuthPass") -}}
{{- end -}}
{{- toJson $secrets -}}
{{- end -}}
