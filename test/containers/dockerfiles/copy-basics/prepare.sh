ln -s c sub/link
