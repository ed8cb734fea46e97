chmod 4755 tree/run && chmod 600 tree/secret && chmod 1777 tree/sticky && chmod 444 tree/plain
mkdir -m 700 tree/private && mkdir tree/empty && chmod 664 tree/sticky/f
