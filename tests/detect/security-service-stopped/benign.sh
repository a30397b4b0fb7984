#!/bin/bash
# Another service is stopped, and the audit service asked how it is.
. "$(dirname "$0")/../lib.sh"

stub systemctl
stub iptables
./systemctl stop nginx.service
./systemctl status auditd.service
./iptables -L
