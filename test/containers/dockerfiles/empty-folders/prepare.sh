mkdir -p empty tree/a/b/c && chmod 700 tree/a/b
