#!/bin/sh
npm test
npm run report
