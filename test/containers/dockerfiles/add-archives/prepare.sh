mkdir -p t/dir/empty && echo in > t/dir/file && ln -s file t/dir/link && chmod 750 t/dir && chmod 4755 t/dir/file
same="--sort=name --owner=3:3 --group=4:4 --numeric-owner --mtime=@1500000000"
tar $same -C t -cf plain.tar .
gzip -nk plain.tar && mv plain.tar.gz packed.tar.gz
xz -k plain.tar && mv plain.tar.xz packed.tar.xz
bzip2 -k plain.tar && mv plain.tar.bz2 packed.tar.bz2
rm -r t
