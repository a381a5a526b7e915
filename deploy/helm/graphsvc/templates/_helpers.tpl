{{- define "graphsvc.name" -}}
{{- printf "%s" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "graphsvc.selector" -}}
app.kubernetes.io/name: graphsvc
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "graphsvc.labels" -}}
{{ include "graphsvc.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "graphsvc.store" -}}
{{- if eq .Values.store.kind "neo4j" -}}
{{ .Values.store.neo4j.url }}
{{- else -}}
sqlite:////var/lib/graphsvc/graphsvc.db
{{- end -}}
{{- end -}}

{{- define "graphsvc.probe" -}}
port: http
httpHeaders:
  - name: Host
    value: {{ include "graphsvc.name" . }}
{{- end -}}
