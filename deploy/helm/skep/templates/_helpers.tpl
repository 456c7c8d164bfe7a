{{- define "skep.name" -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) (contains .Chart.Name .Release.Name) | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "skep.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "skep.labels" -}}
{{ include "skep.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "skep.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "skep.name" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "skep.configFile" -}}
{{- ternary "ebpf.conf" "ebpf.yaml" (ne .Values.ebpfConf "") }}
{{- end }}
