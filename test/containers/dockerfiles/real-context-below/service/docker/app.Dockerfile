FROM kiln-compare/base:1
COPY . /app
