# Options of the recorder: wrong ones are told with their place and end it with 2; the example that is installed is right.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"

check() { hindcast recorder --config "$1" --check-config; }

check "$HC_SOURCE_DIR/cli/recorder.yaml" || fail "the example"
check "$HC_SOURCE_DIR/k8s/base/recorder.yaml" || fail "that of the DaemonSet"
# with every option of it in force
sed -E 's/^#([a-z])/\1/; s/^#( +- )/\1/' "$HC_SOURCE_DIR/cli/recorder.yaml" >all.yaml
check all.yaml || fail "the example's options"
n=$(grep -cE '^[a-z-]+:' all.yaml)
m=$(hindcast recorder --help | grep -cE '^ +(-.,|   ) +--|^ +--')
[ "$n" -ge $((m - 5)) ] ||
	fail "the example has $n options, the command $m (with --config, --check-config, --take-over, --unpin and --help)"

printf 'profile: security\nretain-siz: 1GiB\n' >bad.yaml
expect_exit 2 check bad.yaml 2>err
expect_match "^bad.yaml:2:1: unknown key 'retain-siz': did you mean 'retain-size'\?$" err
expect_exit 4 check none.yaml 2>err
expect_match 'none.yaml' err
expect_exit 2 hindcast recorder --check-config --keep-free 101% 2>err
expect_match "^hindcast recorder: --keep-free: '101%' is too large$" err
expect_exit 2 hindcast recorder --check-config --retain-size 1GiB --retain-bulk-size 2GiB 2>err
expect_match 'retain-bulk-size is more than retain-size' err
# the command line counts more
printf 'retain-size: 1GiB\n' >one.yaml
expect_exit 0 hindcast recorder --config one.yaml --check-config --retain-size 3GiB --retain-bulk-size 2GiB
echo ok
