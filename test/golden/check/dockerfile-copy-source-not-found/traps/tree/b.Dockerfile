FROM alpine
COPY made.txt *.none? /
COPY src src
