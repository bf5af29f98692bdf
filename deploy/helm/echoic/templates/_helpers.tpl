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
{{- if and .Values.secret.existing $values -}}
{{- fail "secret.existing and secret.values are both set: the chart takes your Secret, or makes one of the values, not both" -}}
{{- end -}}
{{- if not (or .Values.secret.existing (get $values "DATABASE_URL")) -}}
{{- fail "DATABASE_URL is missing: set secret.existing, or secret.values.DATABASE_URL" -}}
{{- end -}}
{{- if not (or .Values.persistence.enabled (get $settings "ECHOIC_STORAGE_URL") (get $values "ECHOIC_STORAGE_URL")) -}}
{{- fail "persistence.enabled is false and no bucket is named: recordings would go with the pod that took them. Set settings.ECHOIC_STORAGE_URL (also where secret.existing holds it, which the chart cannot read), or leave persistence.enabled true" -}}
{{- end -}}
{{- range $name, $value := $settings -}}
{{- if hasKey $values $name -}}
{{- fail (printf "%s is in settings and in secret.values, and only one of the two would count: set it in one of them" $name) -}}
{{- end -}}
{{- end -}}
{{- include "echoic.refusals.decided" (list "settings" $settings) -}}
{{- include "echoic.refusals.decided" (list "secret.values" $values) -}}
{{- $workers := dict -}}
{{- range .Values.workers -}}
{{- if hasKey $workers .name -}}
{{- fail (printf "two workers have the name %s: each needs a name of its own" .name) -}}
{{- end -}}
{{- $_ := set $workers .name true -}}
{{- if hasKey (.settings | default dict) "ECHOIC_STORAGE_URL" -}}
{{- fail (printf "the worker %s has an ECHOIC_STORAGE_URL of its own, and would not find what the API stores: set it for all pods in settings" .name) -}}
{{- end -}}
{{- include "echoic.refusals.decided" (list (printf "the settings of the worker %s" .name) (.settings | default dict)) -}}
{{- end -}}
{{- end }}

{{- /* What the chart decides itself, as the variables of a list of a place and what is set there. */ -}}
{{- define "echoic.refusals.decided" -}}
{{- $place := index . 0 -}}
{{- $given := index . 1 -}}
{{- $decided := dict
    "ECHOIC_DATA_DIR" "it is /data, where the chart mounts the volume"
    "ECHOIC_DATABASE_URL" "the chart takes the address of the database as DATABASE_URL"
    "ECHOIC_PORT" "it is 8080, which probes and service ask; the port of the service is service.port"
    "ECHOIC_WORKER_QUEUES" "each worker has its queues in workers"
    "FORWARDED_ALLOW_IPS" "these addresses are trustedProxies"
-}}
{{- range $name, $reason := $decided -}}
{{- if hasKey $given $name -}}
{{- fail (printf "%s cannot be set in %s: %s" $name $place $reason) -}}
{{- end -}}
{{- end -}}
{{- if not (has (get $given "ECHOIC_HOST" | default "0.0.0.0") (list "0.0.0.0" "::")) -}}
{{- fail (printf "ECHOIC_HOST in %s has to be 0.0.0.0, or :: in a cluster of IPv6: probes and service ask at the address of the pod" $place) -}}
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
{{- range $name, $value := . }}
- {name: {{ $name }}, value: {{ include "echoic.value" $value }}}
{{- end }}
{{- end }}

{{- /* Numbers of a file are floating: a million would be written 1e+06. */ -}}
{{- define "echoic.value" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . | quote }}{{ else }}{{ toString . | quote }}{{ end -}}
{{- end }}
