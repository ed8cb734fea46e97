mkdir -p node_modules/evil .git && echo x > node_modules/evil/index.js && echo ref > .git/HEAD
