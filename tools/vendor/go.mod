module schiff.invalid/tools/vendor

go 1.26.0

require (
	github.com/cybozu-go/coil/v2 v2.15.0
	github.com/fluxcd/helm-controller v1.6.4
	github.com/fluxcd/kustomize-controller v1.9.4
	github.com/fluxcd/notification-controller v1.9.3
	github.com/fluxcd/source-controller v1.9.3
	github.com/grafana/grafana-operator/v5 v5.24.0
	github.com/k8snetworkplumbingwg/network-attachment-definition-client v1.7.7
	github.com/k8snetworkplumbingwg/whereabouts v0.9.4
	github.com/kubernetes-csi/external-snapshotter/client/v8 v8.6.0
	github.com/prometheus-operator/prometheus-operator v0.93.0
	github.com/tigera/operator v1.42.3
	github.com/vmware-tanzu/velero v1.18.3
	go.universe.tf/metallb v0.16.1
	sigs.k8s.io/cluster-api-operator v0.29.0
)
