#!/bin/bash
[[ a = b ]]
