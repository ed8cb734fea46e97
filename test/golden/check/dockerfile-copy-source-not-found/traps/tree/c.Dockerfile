FROM alpine
COPY target/*.jar target/classes /app/
