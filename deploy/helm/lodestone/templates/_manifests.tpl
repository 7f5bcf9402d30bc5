{{- /* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */ -}}
{{- /*
The manifests are those of deploy/kustomize, which is linked below files/. A template reads them, changes what the values
say, and prints what comes of it, so that the two ways of installing cannot differ in anything else.
*/ -}}

{{- /* The documents of a file as JSON {"items": [...]}, each in the release's namespace. [context, file] */ -}}
{{- define "lodestone.documents" -}}
{{- $root := index . 0 -}}
{{- $text := $root.Files.Get (index . 1) | required (printf "the chart lacks %s" (index . 1)) -}}
{{- $items := list -}}
{{- range splitList "\n---\n" $text -}}
{{- $doc := fromYaml . -}}
{{- if hasKey $doc "Error" }}{{ fail $doc.Error }}{{ end -}}
{{- if not (hasPrefix "Cluster" $doc.kind) }}{{ $_ := set $doc.metadata "namespace" $root.Release.Namespace }}{{ end -}}
{{- range $doc.subjects }}{{ $_ := set . "namespace" $root.Release.Namespace }}{{ end -}}
{{- $items = append $items $doc -}}
{{- end -}}
{{- dict "items" $items | toJson -}}
{{- end -}}

{{- /* Those documents, printed. */ -}}
{{- define "lodestone.print" -}}
{{- range (include "lodestone.documents" . | fromJson).items }}
---
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* ... of monitoring, with its labels. */ -}}
{{- define "lodestone.monitoring" -}}
{{- $labels := (index . 0).Values.monitoring.labels -}}
{{- range (include "lodestone.documents" . | fromJson).items }}
{{- $_ := set .metadata "labels" (merge dict $labels .metadata.labels) }}
---
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* What overlays of kustomize replace in the DaemonSet, as JSON: the value of the patch at a path. [context, overlay, path] */ -}}
{{- define "lodestone.patched" -}}
{{- $overlay := (index . 0).Files.Get (printf "files/kustomize/%s/kustomization.yaml" (index . 1)) | fromYaml -}}
{{- $path := index . 2 -}}
{{- range $overlay.patches -}}
{{- if hasPrefix "- " .patch -}}
{{- range fromYamlArray .patch -}}
{{- if eq .path $path }}{{ toJson .value }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
