{{/*
What runs, a list: the other templates go through it. Each has

  name      suffix of its objects, and its component label
  programs  whose parts it has: it reads their sections and mounts their files
  values    paths in the values that say how it runs, later ones go before earlier
  config    its file in the ConfigMap
  types     types of forges that it serves; none: all
  ports     name, port, service (whose Service has it), servicePort, and from, which
            peers of the NetworkPolicy may reach it
*/}}
{{- define "lamplighter.workloads" -}}
{{- if include "lamplighter.isTrial" . }}
- name: trial
  programs: [ingest, dispatcher, provider{{ if .Values.reposync.enabled }}, reposync{{ end }}]
  values: [trial]
  config: config.yaml
  ports:
    {{- include "lamplighter.ports.ingest" . | nindent 4 }}
    {{- include "lamplighter.ports.dispatcher" . | nindent 4 }}
    {{- include "lamplighter.ports.reposync" . | nindent 4 }}
    {{- if include "lamplighter.hasRefresh" . }}
    - {name: worker, port: 50051, service: provider, from: callers}
    {{- end }}
{{- else }}
- name: ingest
  programs: [ingest]
  values: [ingest]
  config: config.yaml
  ports:
    {{- include "lamplighter.ports.ingest" . | nindent 4 }}
- name: dispatcher
  programs: [dispatcher]
  values: [dispatcher]
  config: config.yaml
  ports:
    - {name: admin, port: 9090, service: dispatcher, from: metrics}
    {{- include "lamplighter.ports.dispatcher" . | nindent 4 }}
- name: provider
  programs: [provider]
  values: [provider]
  config: config.yaml
  types: {{ include "lamplighter.commonTypes" . | fromYamlArray | toJson }}
  ports:
    - {name: admin, port: 9090, service: provider, from: metrics}
    - {name: worker, port: 50051, service: provider, from: callers}
{{- range $name, $worker := .Values.provider.workers }}
- name: provider-{{ $name }}
  programs: [provider]
  values: [provider, provider.workers.{{ $name }}]
  config: provider-{{ $name }}.yaml
  types: {{ toJson $worker.types }}
  ports:
    - {name: admin, port: 9090, service: provider-{{ $name }}, from: metrics}
    - {name: worker, port: 50051, service: provider-{{ $name }}, from: callers}
{{- end }}
{{- if .Values.reposync.enabled }}
- name: reposync
  programs: [reposync]
  values: [reposync]
  config: config.yaml
  ports:
    - {name: admin, port: 9090, service: reposync, from: metrics}
    {{- include "lamplighter.ports.reposync" . | nindent 4 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The nightly CronJob, as a workload. */}}
{{- define "lamplighter.refresh" -}}
{{- /* In a trial it runs where the one pod runs, and so as that does. */}}
{{- $like := ternary "trial" "reposync" (not (empty (include "lamplighter.isTrial" .))) -}}
name: refresh
account: {{ $like }}
programs: [refresh]
values: [{{ $like }}]
config: refresh.yaml
ports: []
{{- end -}}

{{- define "lamplighter.ports.ingest" -}}
- {name: http, port: 8080, service: ingest, servicePort: {{ .Values.ingest.service.port }}, from: events}
- {name: admin, port: 9090, service: ingest, from: metrics}
{{- end -}}

{{- define "lamplighter.ports.dispatcher" -}}
{{- if (include "lamplighter.config.dispatcher" . | fromYaml).status_service }}
- {name: status, port: 50053, service: dispatcher, from: platforms}
{{- end }}
{{- end -}}

{{- define "lamplighter.ports.reposync" -}}
{{- if .Values.reposync.enabled -}}
{{- $config := include "lamplighter.config.reposync" . | fromYaml -}}
{{- if $config.catalog_service }}
- {name: catalog, port: 50052, service: reposync, from: platforms}
{{- end }}
{{- if $config.json_listen }}
- {name: json, port: 8081, service: reposync, from: platforms}
{{- end }}
{{- end }}
{{- end -}}

{{/* How a workload runs: dict root, values (paths). */}}
{{- define "lamplighter.settings" -}}
{{- $settings := deepCopy .root.Values.defaults -}}
{{- range .values -}}
{{- $at := $.root.Values -}}
{{- range splitList "." . }}{{ $at = index $at . }}{{ end -}}
{{- $settings = mergeOverwrite $settings (deepCopy (omit $at "config" "workers")) -}}
{{- end -}}
{{- toYaml $settings -}}
{{- end -}}

{{/* Least replicas of a workload, whoever decides on them: its settings. */}}
{{- define "lamplighter.leastReplicas" -}}
{{- if (.keda | default dict).enabled -}}
{{- .keda.minReplicas -}}
{{- else if .autoscaling.enabled -}}
{{- .autoscaling.minReplicas -}}
{{- else if hasKey . "replicaCount" -}}
{{- .replicaCount -}}
{{- else -}}
1
{{- end -}}
{{- end -}}

{{/* Not empty where something else than the chart sets the replicas: its settings. */}}
{{- define "lamplighter.isScaled" -}}
{{- if or .autoscaling.enabled (.keda | default dict).enabled }}yes{{ end -}}
{{- end -}}

{{/* Not empty where pods of these programs ask the Kubernetes API: dict root, programs. */}}
{{- define "lamplighter.readsCluster" -}}
{{- if and (eq .root.Values.flux.from "cluster") (or (has "dispatcher" .programs) (has "provider" .programs)) }}yes{{ end -}}
{{- end -}}

{{/* Not empty where pods of these programs open the catalog's database: dict programs. */}}
{{- define "lamplighter.opensDatabase" -}}
{{- if or (has "reposync" .programs) (has "refresh" .programs) }}yes{{ end -}}
{{- end -}}

{{/* The ServiceAccount of a workload: dict root, name, settings. */}}
{{- define "lamplighter.serviceAccount" -}}
{{- if .settings.serviceAccount.name -}}
{{- .settings.serviceAccount.name -}}
{{- else if .settings.serviceAccount.create -}}
{{- include "lamplighter.name" . -}}
{{- else -}}
default
{{- end -}}
{{- end -}}

{{/* The spec of a volume claim: its values. */}}
{{- define "lamplighter.claim" -}}
accessModes: [ReadWriteOnce]
{{- with .storageClassName }}
storageClassName: {{ . }}
{{- end }}
resources:
  requests:
    storage: {{ .size }}
{{- end -}}

{{/*
The Service that has a workload's admin port: dict root, workload. That of its events or
API, unless it is open to more than the cluster.
*/}}
{{- define "lamplighter.adminService" -}}
{{- range .workload.ports -}}
{{- if eq .name "admin" -}}
{{- $settings := include "lamplighter.serviceSettings" (dict "root" $.root "workload" $.workload "service" .service) | fromYaml -}}
{{- .service }}{{ if ne $settings.type "ClusterIP" }}-admin{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* How a Service is: dict root, workload, service. */}}
{{- define "lamplighter.serviceSettings" -}}
{{- $paths := ternary (list .service) .workload.values (eq .workload.name "trial") -}}
{{- (include "lamplighter.settings" (dict "root" .root "values" $paths) | fromYaml).service | toYaml -}}
{{- end -}}
