{{/* Names, labels and values that templates share. */}}

{{- define "lamplighter.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What selects the pods of this release; with a component, those of one service. */}}
{{- define "lamplighter.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{/* Metadata of an object: dict root, name (a suffix), component, labels, annotations. */}}
{{- define "lamplighter.metadata" -}}
name: {{ include "lamplighter.name" . }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "lamplighter.labels" . | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "lamplighter.name" -}}
{{ include "lamplighter.fullname" .root }}{{ with .name }}-{{ . }}{{ end }}
{{- end -}}

{{- define "lamplighter.labels" -}}
{{- $own := include "lamplighter.selector" . | fromYaml -}}
{{- $chart := dict
      "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_")
      "app.kubernetes.io/version" .root.Chart.AppVersion
      "app.kubernetes.io/part-of" "lamplighter"
      "app.kubernetes.io/managed-by" .root.Release.Service -}}
{{- merge $own $chart (.labels | default dict) .root.Values.commonLabels | toYaml -}}
{{- end -}}

{{/* An image: dict root, image. Of a digest, a tag says nothing. */}}
{{- define "lamplighter.image" -}}
{{- $global := .root.Values.global | default dict -}}
{{- $registry := default .image.registry $global.imageRegistry -}}
{{- with $registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- .image.repository -}}
{{- if .image.digest }}@{{ .image.digest }}{{ else }}:{{ default .root.Chart.AppVersion .image.tag }}{{ end -}}
{{- end -}}

{{- define "lamplighter.pullSecrets" -}}
{{- $global := .Values.global | default dict -}}
{{- $secrets := list -}}
{{- range concat .Values.image.pullSecrets ($global.imagePullSecrets | default list) -}}
{{- $secrets = append $secrets (ternary . (dict "name" .) (kindIs "map" .)) -}}
{{- end -}}
{{- with $secrets | uniq -}}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}

{{/* A text that may have been written as a number, which Helm would show as 1.2e+07. */}}
{{- define "lamplighter.text" -}}
{{- if kindIs "float64" . }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end -}}

{{/* Not empty in a trial: all services in one pod, with a broker within. */}}
{{- define "lamplighter.isTrial" -}}
{{- if not .Values.kafka.bootstrapServers }}yes{{ end -}}
{{- end -}}

{{/*
Not empty where Helm sees the cluster. `helm template` does not, nor does what renders
by it: random secrets would be others each time, so none are made there.
*/}}
{{- define "lamplighter.seesCluster" -}}
{{- if lookup "v1" "Secret" .Release.Namespace "" }}yes{{ end -}}
{{- end -}}

{{/* What a Secret of the cluster holds under a key: dict root, name, key. Not decoded. */}}
{{- define "lamplighter.known" -}}
{{- $secret := lookup "v1" "Secret" .root.Release.Namespace .name | default dict -}}
{{- index ($secret.data | default dict) .key | default "" -}}
{{- end -}}

{{/* The Secret of an optional secret, or nothing: dict root, values (existingSecret, generate), name. */}}
{{- define "lamplighter.optionalSecret" -}}
{{- if .values.existingSecret -}}
{{- .values.existingSecret -}}
{{- else if and .values.generate (include "lamplighter.seesCluster" .root) -}}
{{- include "lamplighter.name" . -}}
{{- end -}}
{{- end -}}

{{- define "lamplighter.sealSecret" -}}
{{- if .Values.reposync.enabled -}}
{{- include "lamplighter.optionalSecret" (dict "root" . "values" .Values.sealKey "name" "seal-key") -}}
{{- end -}}
{{- end -}}

{{- define "lamplighter.adminSecret" -}}
{{- if .Values.api.enabled -}}
{{- include "lamplighter.optionalSecret" (dict "root" . "values" .Values.api.admin "name" "api-admin") -}}
{{- end -}}
{{- end -}}

{{- define "lamplighter.databaseSecret" -}}
{{- default (include "lamplighter.name" (dict "root" . "name" "database")) .Values.database.existingSecret -}}
{{- end -}}

{{- define "lamplighter.saslSecret" -}}
{{- default (include "lamplighter.name" (dict "root" . "name" "kafka")) .Values.kafka.sasl.existingSecret -}}
{{- end -}}

{{/* Where forges reach ingest, or nothing where nobody said. */}}
{{- define "lamplighter.publicUrl" -}}
{{- if .Values.publicUrl -}}
{{- trimSuffix "/" .Values.publicUrl -}}
{{- else if and .Values.ingress.enabled .Values.ingress.hosts -}}
{{- printf "https://%s" (first .Values.ingress.hosts) -}}
{{- else if and .Values.gateway.enabled .Values.gateway.hostnames -}}
{{- printf "https://%s" (first .Values.gateway.hostnames) -}}
{{- end -}}
{{- end -}}

{{/* Not empty where the nightly CronJob is, which has to reach the catalog. */}}
{{- define "lamplighter.hasRefresh" -}}
{{- $reposync := .Values.reposync -}}
{{- $kept := or (not (include "lamplighter.isTrial" .)) .Values.trial.persistence.enabled -}}
{{- if and $reposync.enabled $reposync.refresh.enabled $kept (include "lamplighter.accounts" . | fromYamlArray) -}}
yes
{{- end -}}
{{- end -}}

{{/* Not empty where provider workers are called over the network: beyond their own pod. */}}
{{- define "lamplighter.exposesWorkers" -}}
{{- if or (not (include "lamplighter.isTrial" .)) (include "lamplighter.hasRefresh" .) }}yes{{ end -}}
{{- end -}}

{{/* The Secret of the certificate of provider workers and of their callers, or nothing. */}}
{{- define "lamplighter.workerTlsSecret" -}}
{{- if include "lamplighter.exposesWorkers" . }}{{ .Values.provider.tls.existingSecret }}{{ end -}}
{{- end -}}

{{/* Gives a list its own say over what is wrong with the values. */}}
{{- define "lamplighter.check" -}}
{{- $problems := include "lamplighter.problems" . | fromYamlArray -}}
{{- if $problems -}}
{{- printf "\n\nThe values of this chart have mistakes:\n\n- %s\n" (join "\n- " $problems) | fail -}}
{{- end -}}
{{- end -}}

{{/*
A Secret that stays as it was first made: dict root, name, key, fresh (what it holds at
first) and given (what the values say, if anything). It outlives the release.
*/}}
{{- define "lamplighter.keptSecret" -}}
{{- $known := include "lamplighter.known" (dict "root" .root "name" (include "lamplighter.name" .) "key" .key) -}}
apiVersion: v1
kind: Secret
metadata:
  {{- include "lamplighter.metadata" (merge (dict "annotations" (dict "helm.sh/resource-policy" "keep")) .) | nindent 2 }}
data:
  {{ .key }}: {{ if .given }}{{ b64enc .given }}{{ else }}{{ default (b64enc .fresh) $known }}{{ end }}
{{- end -}}
