echo lit > 'lit[1].txt'
