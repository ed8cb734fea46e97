#!/bin/bash
set -e
aws s3 sync dist s3://site
