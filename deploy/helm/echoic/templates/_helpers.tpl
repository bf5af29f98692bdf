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
{{- if and (not .Values.secret.existing) (not (hasKey .Values.secret.values "DATABASE_URL")) -}}
{{- fail "DATABASE_URL is missing: set secret.existing, or secret.values.DATABASE_URL" -}}
{{- end -}}
{{ .Values.secret.existing | default (include "echoic.name" .) }}
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
