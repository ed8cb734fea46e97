ARG DIR=src
FROM node AS base
ARG DIR
ARG UNKNOWN
WORKDIR /x
COPY package*.json ./
COPY ${DIR}/ ./src
COPY $UNKNOWN/x ./
COPY ["with space.txt", "/x/"]
COPY --from=other /y /y
COPY ./src/./a.js /src/../src /app/
COPY <<EOF /etc/x
text
EOF
ADD https://example.com/x.tgz /x
ADD git@github.com:a/b.git /b
FROM base AS unused
COPY never /never
