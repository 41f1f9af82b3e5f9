{{/*
What the operator may do in a namespace that it watches. It has no right to delete PersistentVolumeClaims, so that no
mistake of its own can cost data, and none on Secrets, nodes or CRDs.
*/}}
{{- define "taffrail.watchRules" -}}
- apiGroups: [taffrail.io]
  resources: [kafkaclusters, topics, kafkausers, rebalances]
  verbs: [get, list, watch]
- apiGroups: [taffrail.io]
  resources: [kafkaclusters/status, topics/status, kafkausers/status, rebalances/status]
  verbs: [get, patch, update]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, delete]
- apiGroups: [""]
  resources: [services, configmaps, serviceaccounts]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, create, patch]
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{/* The subject of every binding: the operator's ServiceAccount. */}}
{{- define "taffrail.subjects" -}}
- kind: ServiceAccount
  name: {{ include "taffrail.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}
