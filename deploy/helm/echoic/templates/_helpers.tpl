{{- define "echoic.name" -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "echoic.labels" -}}
app.kubernetes.io/name: echoic
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "echoic.selector" -}}
app.kubernetes.io/name: echoic
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "echoic.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "echoic.secret" -}}
{{ .Values.secret.existing | default (include "echoic.name" .) }}
{{- end }}

{{- /* Values that render well, and do not work or are not what was meant. Each is refused with a sentence. */ -}}
{{- define "echoic.refusals" -}}
{{- $settings := .Values.settings | default dict -}}
{{- $values := .Values.secret.values | default dict -}}
{{- if not (or .Values.secret.existing (get $values "DATABASE_URL")) -}}
{{- fail "DATABASE_URL is missing: set secret.existing, or secret.values.DATABASE_URL" -}}
{{- end -}}
{{- if not (or .Values.persistence.enabled (get $settings "ECHOIC_STORAGE_URL") (get $values "ECHOIC_STORAGE_URL")) -}}
{{- fail "persistence.enabled is false and no bucket is named: recordings would go with the pod that took them. Set settings.ECHOIC_STORAGE_URL (also where secret.existing holds it, which the chart cannot read), or leave persistence.enabled true" -}}
{{- end -}}
{{- range .Values.workers -}}
{{- if hasKey (.settings | default dict) "ECHOIC_STORAGE_URL" -}}
{{- fail (printf "the worker %s has an ECHOIC_STORAGE_URL of its own, and would not find what the API stores: set it for all pods in settings" .name) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "echoic.pod" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
volumes:
  - name: tmp
    emptyDir: {}
  - name: data
    {{- if .Values.persistence.enabled }}
    persistentVolumeClaim:
      claimName: {{ .Values.persistence.existingClaim | default (include "echoic.name" .) }}
    {{- else }}
    emptyDir: {}
    {{- end }}
{{- end }}

{{- define "echoic.container" -}}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  readOnlyRootFilesystem: true
  allowPrivilegeEscalation: false
  capabilities: {drop: [ALL]}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  - {name: data, mountPath: /data}
envFrom:
  - secretRef: {name: {{ include "echoic.secret" . }}}
{{- end }}

{{- define "echoic.settings" -}}
- {name: ECHOIC_LOG_FORMAT, value: json}
{{- range $name, $value := . }}
- {name: {{ $name }}, value: {{ $value | toString | quote }}}
{{- end }}
{{- end }}
