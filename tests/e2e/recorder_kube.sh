# A recorder in a cluster, whose API is a scripted server: pods, captures asked for as objects, a server that is gone.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
hindcast recorder --config "$HC_SOURCE_DIR/k8s/base/recorder.yaml" --check-config || fail "the configuration of the manifests"
need_live
need_command openssl
python3 "$HC_SOURCE_DIR/tests/k8s/recorder.py" "$PWD"
