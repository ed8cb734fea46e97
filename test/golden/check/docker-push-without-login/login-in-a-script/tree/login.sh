#!/bin/sh
echo "$TOKEN" | docker login -u bot --password-stdin
