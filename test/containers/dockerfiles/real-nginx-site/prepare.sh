tar --sort=name --owner=0 --group=0 --mtime=@1500000000 -czf html.tar.gz -C site .
