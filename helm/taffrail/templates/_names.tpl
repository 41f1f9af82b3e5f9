{{/* What the names of the objects are made from. */}}
{{- define "taffrail.name" -}}
{{- default "taffrail-operator" .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/*
The name of the objects: the release "taffrail" makes "taffrail-operator", the release "prod" makes
"prod-taffrail-operator". 52 characters leave room for the suffixes.
*/}}
{{- define "taffrail.fullname" -}}
{{- $name := include "taffrail.name" . -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else if hasPrefix (printf "%s-" .Release.Name) $name }}
{{- $name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/*
The labels that the operator's pod is selected by. No value changes them: a Deployment's selector is immutable, and the
NetworkPolicies of KafkaClusters let the operator in by its app.kubernetes.io/name.
*/}}
{{- define "taffrail.selectorLabels" -}}
app.kubernetes.io/name: taffrail-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "taffrail.standardLabels" -}}
{{ include "taffrail.selectorLabels" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: taffrail
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
{{- end }}

{{/* Labels of every object: the user's first, so that none of ours is ever lost. */}}
{{- define "taffrail.labels" -}}
{{- mergeOverwrite (deepCopy .Values.commonLabels) (include "taffrail.standardLabels" . | fromYaml) | toYaml }}
{{- end }}

{{/*
Labels of the pod. It says nothing of the chart's version, so that a chart that changes nothing else restarts nothing.
*/}}
{{- define "taffrail.podLabels" -}}
{{- $ours := omit (include "taffrail.labels" . | fromYaml) "helm.sh/chart" "app.kubernetes.io/managed-by" -}}
{{- mergeOverwrite (deepCopy .Values.podLabels) $ours | toYaml }}
{{- end }}

{{/* Labels and annotations of an object, with its own if it has any: dict "root" $ "annotations" {...} "labels" {...} */}}
{{- define "taffrail.metadata" -}}
{{- $annotations := mergeOverwrite (deepCopy .root.Values.commonAnnotations) (default dict .annotations) -}}
{{- $ours := include "taffrail.labels" .root | fromYaml -}}
labels:
  {{- mergeOverwrite (deepCopy (default dict .labels)) $ours | toYaml | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "taffrail.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "taffrail.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* A repository behind its registry, if there is one: include "taffrail.repository" .Values.image */}}
{{- define "taffrail.repository" -}}
{{- if .registry }}{{ trimSuffix "/" .registry }}/{{ end }}{{ .repository }}
{{- end }}

{{- define "taffrail.image" -}}
{{- $repository := include "taffrail.repository" .Values.image -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* The namespaces to watch, as a list in JSON: {"items": [...]}; none means all. */}}
{{- define "taffrail.watchNamespaces" -}}
{{- if .Values.watchNamespaces }}
{{- dict "items" (sortAlpha (uniq .Values.watchNamespaces)) | toJson }}
{{- else if eq .Values.rbac.scope "Namespaced" }}
{{- dict "items" (list .Release.Namespace) | toJson }}
{{- else }}
{{- dict "items" list | toJson }}
{{- end }}
{{- end }}

{{/* Each constraint, with the operator's selector where it has none. */}}
{{- define "taffrail.topologySpreadConstraints" -}}
{{- $selector := dict "labelSelector" (dict "matchLabels" (include "taffrail.selectorLabels" . | fromYaml)) -}}
{{- $constraints := list -}}
{{- range .Values.topologySpreadConstraints }}
{{- $missing := ternary dict $selector (hasKey . "labelSelector") }}
{{- $constraints = append $constraints (merge (deepCopy .) $missing) }}
{{- end }}
{{- toYaml $constraints }}
{{- end }}
