#!/bin/bash
set -e
IMAGE=acme/$1:latest
docker build -t $IMAGE .
docker push $IMAGE
