if [[ a = b ]]; then echo; fi
