{{- define "dbm.labels" -}}
app.kubernetes.io/name: cnpg-database-manager
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/managed-by: cnpg-dbm
applyset.kubernetes.io/part-of: {{ .root.Values.applyset }}
cnpg.io/cluster: {{ .cluster }}
{{- end }}

{{- define "dbm.sanitize" -}}
{{ . | lower | replace "_" "-" }}
{{- end }}

{{- define "dbm.hba" -}}
{{- range .databases }}
- host "{{ .name }}" "{{ .owner }}" all scram-sha-256
{{- end }}
- host all all all reject
{{- end }}
