# Each type of the first tier happens, and each of its columns has a value in some row, or there is a reason.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command python3
[ "$(uname -m)" = x86_64 ] || skip "the calls are made by their x86-64 numbers"
[ -r /usr/include/x86_64-linux-gnu/asm/unistd_64.h ] || skip "no list of call numbers (asm/unistd_64.h) here"

act=$HC_SOURCE_DIR/tests/e2e/record_columns.py
mkdir area
(cd area && hindcast record -q -o ../cap --profile full --snaplen 64 --ring-size 64MiB -- python3 "$act" provoke)
python3 "$act" check cap
