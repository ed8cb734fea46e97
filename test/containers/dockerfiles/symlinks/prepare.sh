cd links
ln -s file to-file; ln -s dir to-dir; ln -s /etc/passwd absolute; ln -s nowhere dangling; ln -s ../../../out up
