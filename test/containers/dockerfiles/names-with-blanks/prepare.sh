echo dash > ./-dash; echo quote > "quote'\"d"; echo letters > 'ünïcode'
