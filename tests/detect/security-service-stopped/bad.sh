#!/bin/bash
# The audit service is to stop, the firewall to forget its rules; by programs that do nothing.
. "$(dirname "$0")/../lib.sh"

stub systemctl
stub iptables
./systemctl stop auditd.service
./iptables -F
