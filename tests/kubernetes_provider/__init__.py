"""A stand-in for Pulumi's Kubernetes provider, for tests only.

The official program `pulumi-resource-kubernetes` cannot be built from released
Go modules, so the tests of direct delivery start this one in its place. It
speaks the same protocol and does what those tests need, on a real API server:
Check, Diff, Create, Update, Read and Delete of plain objects by server-side
apply, a dry run in previews, a field manager with a random end for each
resource, conflicts that only `enablePatchForce` overrides, objects that are
there already, and a cluster that cannot be reached.

Left out: waiting for readiness, names made up, ``*Patch`` resources, Helm,
Kustomize and YAML components, List, invokes, the schema, rendering to files,
client-side apply, credential plugins, and replacing what is immutable. People
use the official plugin (`pulumi plugin install resource kubernetes`).
"""
