#!/bin/sh
set -e
echo "entry for $1 as $(id -u) in $(pwd)"
