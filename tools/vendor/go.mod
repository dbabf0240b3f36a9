module schiff.invalid/tools/vendor

go 1.26.0

require (
	github.com/fluxcd/helm-controller v1.6.4
	github.com/fluxcd/kustomize-controller v1.9.4
	github.com/fluxcd/notification-controller v1.9.3
	github.com/fluxcd/source-controller v1.9.3
	github.com/grafana/grafana-operator/v5 v5.24.0
	github.com/kubernetes-csi/external-snapshotter/client/v8 v8.6.0
	github.com/prometheus-operator/prometheus-operator v0.93.0
	github.com/tigera/operator v1.42.3
	go.universe.tf/metallb v0.16.1
)
