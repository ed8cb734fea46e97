mkdir target && tar --sort=name --owner=0 --group=0 --mtime=@1500000000 -cf target/app.tar -C s . && rm -r s
