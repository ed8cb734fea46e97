test -f src/main && echo ok one
